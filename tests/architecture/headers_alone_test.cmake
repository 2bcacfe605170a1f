# Proves that the header check can fail:
# cmake -D check=headers_alone.cmake -D compiler=CXX -D scratch=DIR -P headers_alone_test.cmake
cmake_minimum_required(VERSION 3.25)

function(check_header text result)
  file(REMOVE_RECURSE ${scratch})
  file(WRITE ${scratch}/include/millrace/sample.hpp "${text}")
  execute_process(COMMAND ${CMAKE_COMMAND} -D include=${scratch}/include -D compiler=${compiler}
                          -D scratch=${scratch}/work -P ${check}
                  RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE output)
  set(${result} ${status} PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect_refused what text)
  check_header("${text}" result)
  if(result EQUAL 0 OR NOT output MATCHES "millrace/sample.hpp")
    message(SEND_ERROR "not refused: ${what}\n${output}")
  endif()
endfunction()

check_header("#pragma once\n#include <string>\ninline std::string name() { return {}; }\n" result)
if(NOT result EQUAL 0)
  message(SEND_ERROR "a good header is refused:\n${output}")
endif()
expect_refused("a missing include" "#pragma once\ninline std::string name() { return {}; }\n")
expect_refused("a missing guard" "struct twice {};\n")
expect_refused("a warning of -Wextra" "#pragma once\ninline int one(int unused) { return 1; }\n")
expect_refused("a warning of -Wconversion"
               "#pragma once\ninline short cut(long wide) { return wide; }\n")

file(REMOVE_RECURSE ${scratch})
