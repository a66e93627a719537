# clang-tidy beside the compiler: what has not changed is not checked again.

find_program(MQXX_CLANG_TIDY NAMES clang-tidy-14 clang-tidy REQUIRED)
set(CMAKE_CXX_CLANG_TIDY "${MQXX_CLANG_TIDY};--quiet")

# New rules are new command lines, so that everything is checked by them.
foreach(rules .clang-tidy src/cli/.clang-tidy)
  set(rules "${PROJECT_SOURCE_DIR}/${rules}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${rules}")
  file(SHA256 "${rules}" hash)
  string(APPEND fingerprint "${hash}")
endforeach()
add_compile_definitions(MQXX_TIDY_RULES=${fingerprint})
