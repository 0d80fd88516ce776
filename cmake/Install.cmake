# What `cmake --install` puts where: the two programs, and the units of systemd, which name the
# programs where they have been put (`--prefix` may say so as late as that).
include(GNUInstallDirs)

install(TARGETS blocky-consumer blocky-producer RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# The user that the units run as; `systemd-sysusers` makes it.
install(FILES scripts/systemd/blocky.sysusers DESTINATION lib/sysusers.d RENAME blocky.conf)

install(CODE "set(units \"${CMAKE_CURRENT_SOURCE_DIR}/scripts/systemd\")
set(written \"${CMAKE_CURRENT_BINARY_DIR}/units\")
set(bin \"${CMAKE_INSTALL_BINDIR}\")")
install(CODE [[
cmake_path(ABSOLUTE_PATH bin BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}")
foreach(unit blocky-consumer.service blocky-consumer.socket blocky-producer@.service)
  file(READ "${units}/${unit}" text)
  string(REPLACE "/usr/local/bin" "${bin}" text "${text}")
  file(WRITE "${written}/${unit}" "${text}")
  file(INSTALL "${written}/${unit}" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
endforeach()
]])
