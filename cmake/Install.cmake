# PREFIX/bin/mq, PREFIX/lib/libmqxx.{so,a} and libmqxx-posix.so, the headers, find_package(mqxx), mqxx.pc and
# mqxx-posix.pc. The man pages install themselves: ManPages.cmake.

include(CMakePackageConfigHelpers)
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/mqxx")

set(libraries mqxx mqxx_static)
set(pkg_config_files mqxx.pc)

# One file for both of its users: who preloads libmqxx-posix.so and who is linked with libmqxx-posix.so.0 get one copy,
# since the loader tells libraries by this name. It stays 0 whatever becomes of mqxx's version: the names and types are
# those of <mqueue.h>, which do not change.
if(TARGET mqxx_posix)
  set_target_properties(mqxx_posix PROPERTIES SOVERSION 0)
  list(APPEND libraries mqxx_posix)
  list(APPEND pkg_config_files mqxx-posix.pc)
endif()

install(TARGETS ${libraries} EXPORT mqxx-targets)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/mqxx" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
if(TARGET mq)
  set_target_properties(mq PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS mq)
  set(completion "${PROJECT_SOURCE_DIR}/src/cli/completion")
  install(FILES "${completion}/mq.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME mq)
  install(FILES "${completion}/_mq" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
  install(FILES "${completion}/mq.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
endif()

install(EXPORT mqxx-targets NAMESPACE mqxx:: DESTINATION "${package}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/mqxx-config.cmake.in"
  "${PROJECT_BINARY_DIR}/mqxx-config.cmake" INSTALL_DESTINATION "${package}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/mqxx-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/mqxx-config.cmake" "${PROJECT_BINARY_DIR}/mqxx-config-version.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/mqxx-asio.cmake" DESTINATION "${package}")

# The files find their prefix from where they lie, so that the installed tree may be moved.
file(RELATIVE_PATH prefix_from_pc "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
foreach(pc IN LISTS pkg_config_files)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${pc}.in" "${PROJECT_BINARY_DIR}/${pc}" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${pc}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()
