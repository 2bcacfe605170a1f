# With its options left alone, the project needs no package of the command, the tests or the
# benchmarks, and builds the library and nothing else:
# cmake -D source=DIR -D scratch=DIR -D compiler=CXX -D generator=NAME -P library_only_test.cmake
cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE ${scratch})
foreach(package IN ITEMS doctest benchmark CLI11 nlohmann_json PkgConfig)
  list(APPEND absent -D CMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} -S ${source} -B ${scratch} -G ${generator}
                        -D CMAKE_CXX_COMPILER=${compiler} ${absent}
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "does not configure:\n${output}")
endif()

# -n: say what would be built, for Ninja and make alike.
execute_process(COMMAND ${CMAKE_COMMAND} --build ${scratch} -- -n OUTPUT_VARIABLE steps
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "Building CXX object [^ \n]+|Linking CXX [^\n]+" steps "${steps}")
set(library 0)
foreach(step IN LISTS steps)
  if(step MATCHES "CMakeFiles/millrace\\.dir/")
    continue()
  elseif(step MATCHES "^Linking CXX (static|shared) library .*libmillrace\\.")
    math(EXPR library "${library} + 1")
  else()
    message(SEND_ERROR "builds more than the library: ${step}")
  endif()
endforeach()
if(NOT library EQUAL 1)
  message(SEND_ERROR "does not build the library:\n${steps}")
endif()

file(REMOVE_RECURSE ${scratch})
