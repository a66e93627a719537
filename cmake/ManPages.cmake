# Man pages from docs/man, where scdoc is there to make them.

set(pages libmqxx-posix.7 mq.1 mqxx.conf.5)

find_program(MQXX_SCDOC scdoc)
if(MQXX_SCDOC)
  set(made)
  foreach(page IN LISTS pages)
    set(source "${PROJECT_SOURCE_DIR}/docs/man/${page}.scd")
    set(target "${PROJECT_BINARY_DIR}/man/${page}")
    add_custom_command(OUTPUT "${target}" DEPENDS "${source}" VERBATIM
      COMMAND sh -c "mkdir -p \"$(dirname \"$2\")\" && \"$0\" <\"$1\" >\"$2\"" "${MQXX_SCDOC}" "${source}" "${target}")
    string(REGEX REPLACE ".*\\." "" section "${page}")
    install(FILES "${target}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}")
    list(APPEND made "${target}")
  endforeach()
  add_custom_target(mqxx_man ALL DEPENDS ${made})
endif()
