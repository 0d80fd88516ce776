# Warnings are errors, for our own code only: every target of ours links blocky_warnings.
add_library(blocky_warnings INTERFACE)
target_compile_options(blocky_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
# Includes are written from the root: "consumer/batcher.hpp".
target_include_directories(blocky_warnings INTERFACE ${PROJECT_SOURCE_DIR})
