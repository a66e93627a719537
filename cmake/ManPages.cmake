# Man pages from docs/man, where scdoc is there to make them.
#
# A page of section 3 is named after a class. Its source has dots for the colons, which the generators of Makefiles do
# not like; what stands in lines that begin with % is taken from the public headers (docs/reference/manual.awk).

set(pages
  libmqxx-posix.7
  mq-attr.1
  mq-bench.1
  mq-check.1
  mq-chmod.1
  mq-chown.1
  mq-complete.1
  mq-copy.1
  mq-create.1
  mq-drain.1
  mq-exec.1
  mq-follow.1
  mq-info.1
  mq-layout.1
  mq-limits.1
  mq-list.1
  mq-load.1
  mq-move.1
  mq-peek.1
  mq-receive.1
  mq-remove.1
  mq-save.1
  mq-send.1
  mq-stats.1
  mq-top.1
  mq-wait.1
  mq-watch.1
  mq.1
  mqxx.3
  mqxx.7
  mqxx.AsyncQueue.3
  mqxx.Error.3
  mqxx.EventLoop.3
  mqxx.Message.3
  mqxx.OpenOptions.3
  mqxx.Queue.3
  mqxx.SendLoan.3
  mqxx.TypedQueue.3
  mqxx.Wait.3
  mqxx.change_mode.3
  mqxx.conf.5
  mqxx.list.3
  mqxx.on_message.3
  mqxx.sysv.Queue.3
  mqxx.transfer.3)

# mqxx_man_page(PAGE): makes it and installs it, and under each other name that its section NAME tells, a link to it.
function(mqxx_man_page page)
  set(source "${PROJECT_SOURCE_DIR}/docs/man/${page}.scd")
  set(target "${PROJECT_BINARY_DIR}/man/${page}")
  set(script "${PROJECT_SOURCE_DIR}/docs/man/build.sh")
  file(STRINGS "${source}" lines REGEX "^%")
  list(TRANSFORM lines REPLACE "^%[a-z]+ ([a-z_.]+).*" "${PROJECT_SOURCE_DIR}/include/mqxx/\\1" OUTPUT_VARIABLE headers)
  list(REMOVE_DUPLICATES headers)
  set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
  add_custom_command(OUTPUT "${target}" VERBATIM
    DEPENDS "${source}" ${headers} "${script}" ${manual_scripts}
    COMMAND sh "${script}" "${MQXX_SCDOC}" "${PROJECT_SOURCE_DIR}" "${source}" "${target}")

  string(REGEX MATCH "[0-9]$" section "${page}")
  set(folder "${CMAKE_INSTALL_MANDIR}/man${section}")
  file(STRINGS "${source}" names REGEX "^[A-Za-z0-9:_., -]+ - " LIMIT_COUNT 1)
  string(REGEX REPLACE " - .*" "" names "${names}")
  string(REPLACE ", " ";" names "${names}")
  list(POP_FRONT names name)
  install(FILES "${target}" DESTINATION "${folder}" RENAME "${name}.${section}")
  foreach(other IN LISTS names)
    string(REPLACE "::" "." file "${other}")
    file(WRITE "${PROJECT_BINARY_DIR}/man/${file}.${section}" ".so man${section}/${name}.${section}\n")
    install(FILES "${PROJECT_BINARY_DIR}/man/${file}.${section}" DESTINATION "${folder}" RENAME "${other}.${section}")
  endforeach()
endfunction()

find_program(MQXX_SCDOC scdoc)
if(MQXX_SCDOC)
  set(manual_scripts "${PROJECT_SOURCE_DIR}/docs/reference/paragraphs.awk"
    "${PROJECT_SOURCE_DIR}/docs/reference/manual.awk")
  foreach(page IN LISTS pages)
    mqxx_man_page(${page})
  endforeach()
  list(TRANSFORM pages PREPEND "${PROJECT_BINARY_DIR}/man/" OUTPUT_VARIABLE made)
  add_custom_target(mqxx_man ALL DEPENDS ${made})
endif()
