# Writes OUTPUT, a C++ source that has the FILES in it, for consumer/http/embedded_files.hpp.
# Each of FILES is a path, or NAME=PATH. Run with: cmake -DOUTPUT=… -DFILES=… -P Embed.cmake
set(arrays "")
set(entries "")
set(number 0)
foreach(file IN LISTS FILES)
  if(file MATCHES "^([^/=]+)=(.+)$")
    set(name ${CMAKE_MATCH_1})
    set(file ${CMAKE_MATCH_2})
  else()
    cmake_path(GET file FILENAME name)
  endif()
  file(READ ${file} bytes HEX)
  file(SHA256 ${file} hash)
  string(LENGTH "${bytes}" size)
  math(EXPR size "${size} / 2")
  # Characters, not a string: those have limits to their length.
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND arrays "constexpr char kFile${number}[] = {${bytes}'\\0'};\n")
  string(APPEND entries "    {\"${name}\", {kFile${number}, ${size}}, \"${hash}\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
set(source "// Made by cmake/Embed.cmake.
#include \"consumer/http/embedded_files.hpp\"

#include <array>

namespace blocky {
namespace {

${arrays}
constexpr std::array<EmbeddedFile, ${number}> kFiles{{
${entries}}};

}  // namespace

std::span<const EmbeddedFile> embedded_files() {
    return kFiles;
}

}  // namespace blocky
")
file(WRITE ${OUTPUT} "${source}")
