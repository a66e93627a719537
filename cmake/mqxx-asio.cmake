# mqxx::asio: libmqxx and what <mqxx/asio.hpp> stands on, the standalone Asio; there is no such target where that is not
# found. Used by the build, and by who finds the installed package.
find_path(MQXX_ASIO_INCLUDE_DIR asio.hpp)
mark_as_advanced(MQXX_ASIO_INCLUDE_DIR)
if(MQXX_ASIO_INCLUDE_DIR AND NOT TARGET mqxx::asio)
  add_library(mqxx::asio INTERFACE IMPORTED)
  target_include_directories(mqxx::asio INTERFACE "${MQXX_ASIO_INCLUDE_DIR}")
  target_link_libraries(mqxx::asio INTERFACE mqxx::mqxx Threads::Threads)
  # Asio 1.22 believes that Clang has coroutines with libc++ alone.
  target_compile_definitions(mqxx::asio INTERFACE
    $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT ASIO_HAS_STD_COROUTINE>)
endif()
