# What makes a mistake with memory in a program that strangers can reach harder to turn into more than a
# crash. On in every build but those with a sanitizer, which have checks of their own in the same
# places; -DBLOCKY_HARDENED=OFF leaves it out, to measure what it costs.
# tests/process/test_hardening.py looks for all of it in the programs.
# Not here: -fcf-protection. Debian 12 links start files without its mark, so it would never be on.
option(BLOCKY_HARDENED "Stack protectors, checked library calls, PIE and read-only relocations" ON)
if(BLOCKY_HARDENED AND NOT BLOCKY_SANITIZER)
  # memcpy and its like are held to the size of their target, where the compiler can tell it. Without
  # optimisation glibc has none of that, and says so. A large frame cannot jump over the guard page.
  # -fPIE, not CMake's POSITION_INDEPENDENT_CODE: that is -fPIC in libraries, which stops inlining.
  add_compile_options(
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>
    -fstack-protector-strong -fstack-clash-protection -fPIE)
  # At an address that is not known beforehand; what the loader has filled in is read-only before
  # main() begins; no stack is executable.
  add_link_options(-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
