# BLOCKY_SANITIZER=address|thread builds everything of ours with that sanitizer (presets asan, tsan).
# libzmq itself stays as Debian ships it: tests/support/tsan.supp says what follows from that.
set(BLOCKY_SANITIZER "" CACHE STRING "address (with undefined) or thread; empty for none")
if(BLOCKY_SANITIZER STREQUAL "address")
  set(flags -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(BLOCKY_SANITIZER STREQUAL "thread")
  set(flags -fsanitize=thread)
elseif(BLOCKY_SANITIZER)
  message(FATAL_ERROR "BLOCKY_SANITIZER=${BLOCKY_SANITIZER}: accepts address or thread")
endif()
if(BLOCKY_SANITIZER)
  add_compile_options(${flags} -fno-omit-frame-pointer -O1)
  add_link_options(${flags})
endif()

# libFuzzer steers by what its inputs reach; clang alone has it (preset fuzz, scripts/fuzz.sh).
option(BLOCKY_FUZZ "Build the targets of tests/fuzz with libFuzzer" OFF)
if(BLOCKY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
