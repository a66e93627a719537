# Link-time optimisation of the library's layers.

include(CheckIPOSupported)
check_ipo_supported()

function(mqxx_optimise_together)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Objects with machine code beside GCC's own: the static library must link with any other compiler ...
    set(CMAKE_CXX_COMPILE_OPTIONS_IPO -flto -flto-partition=one -ffat-lto-objects PARENT_SCOPE)
    # ... and GCC of another version would refuse the objects for what it cannot read, so that part goes.
    add_custom_command(TARGET mqxx_static POST_BUILD VERBATIM
      COMMAND ${CMAKE_OBJCOPY} --remove-section=.gnu.lto_* --remove-section=.gnu.debuglto_* $<TARGET_FILE:mqxx_static>)
  endif()
  set_target_properties(${ARGN} PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
endfunction()
