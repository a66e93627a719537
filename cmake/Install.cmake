# PREFIX/bin/mq, PREFIX/lib/libmqxx.{so,a}, the headers, find_package(mqxx) and mqxx.pc.

include(CMakePackageConfigHelpers)
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/mqxx")

install(TARGETS mqxx mqxx_static EXPORT mqxx-targets)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/mqxx" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
if(TARGET mq)
  set_target_properties(mq PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS mq)
endif()

install(EXPORT mqxx-targets NAMESPACE mqxx:: DESTINATION "${package}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/mqxx-config.cmake.in"
  "${PROJECT_BINARY_DIR}/mqxx-config.cmake" INSTALL_DESTINATION "${package}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/mqxx-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/mqxx-config.cmake" "${PROJECT_BINARY_DIR}/mqxx-config-version.cmake"
  DESTINATION "${package}")

# The file finds its prefix from where it lies, so that the installed tree may be moved.
file(RELATIVE_PATH prefix_from_pc "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/mqxx.pc.in" "${PROJECT_BINARY_DIR}/mqxx.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/mqxx.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
