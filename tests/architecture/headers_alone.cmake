# Each public header compiles alone and without a warning:
# cmake -D include=DIR -D compiler=CXX -D scratch=DIR -P headers_alone.cmake
cmake_minimum_required(VERSION 3.25)

file(GLOB_RECURSE headers RELATIVE ${include} ${include}/millrace/*.hpp)
if(NOT headers)
  message(FATAL_ERROR "no headers under ${include}/millrace")
endif()
file(MAKE_DIRECTORY ${scratch})
foreach(header IN LISTS headers)
  # Twice, so that a missing include guard shows as well.
  file(WRITE ${scratch}/alone.cpp "#include <${header}>\n#include <${header}>\n")
  execute_process(
    COMMAND ${compiler} -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Werror
            -I ${include} ${scratch}/alone.cpp
    RESULT_VARIABLE result ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(SEND_ERROR "${header} does not compile alone without warnings:\n${output}")
  endif()
endforeach()
file(REMOVE_RECURSE ${scratch})
list(LENGTH headers count)
message(STATUS "${count} headers checked")
