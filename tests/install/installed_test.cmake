# Installs a finished build to a scratch prefix and uses it as a stranger would:
# cmake -D build=DIR -D source=DIR -D scratch=DIR -D generator=NAME -D compiler=CXX
#       -D pkg_config=PROGRAM -D config=CONFIG -D version=X.Y.Z -D "parts=link nats"
#       -P installed_test.cmake
cmake_minimum_required(VERSION 3.25)

set(consumer ${CMAKE_CURRENT_LIST_DIR}/consumer)
set(prefix ${scratch}/prefix)
separate_arguments(parts NATIVE_COMMAND "${parts}")  # besides the library, as they were built

function(run)  # a command that must succeed; its output goes to the variable output
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE errors OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "failed: ${command}\n${output}\n${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(configure_consumer name)  # name of its build folder, then options
  execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${consumer} -B ${scratch}/${name} -G ${generator}
            -D CMAKE_CXX_COMPILER=${compiler} -D CMAKE_BUILD_TYPE=${config}
            -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_FIND_USE_PACKAGE_REGISTRY=OFF ${ARGN}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  set(result ${result} PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect_configured name)
  configure_consumer(${name} ${ARGN})
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "the consumer does not configure with ${ARGN}:\n${output}")
  endif()
endfunction()

function(expect_not_configured name reason)
  configure_consumer(${name} ${ARGN})
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(result EQUAL 0 OR NOT output MATCHES "${reason}")
    message(FATAL_ERROR "expected find_package to refuse ${ARGN} (${reason}):\n${output}")
  endif()
endfunction()

function(expect_message program)
  file(MAKE_DIRECTORY ${scratch}/queues)
  run(${program} ${scratch}/queues)
  if(NOT output STREQUAL "millrace is installed")
    message(FATAL_ERROR "${program} printed: ${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${scratch})
run(${CMAKE_COMMAND} --install ${build} --prefix ${prefix} --config ${config})

# The public headers, all of them and nothing else.
file(GLOB_RECURSE public RELATIVE ${source}/include ${source}/include/*)
file(GLOB_RECURSE installed RELATIVE ${prefix}/include ${prefix}/include/*)
if(NOT installed STREQUAL public)
  message(FATAL_ERROR "installed headers:\n${installed}\nexpected:\n${public}")
endif()

# By find_package. The consumer has nothing but the library: it must not need fmt or Boost.
list(JOIN parts " " components)
expect_configured(found -D VERSION=${version} -D "COMPONENTS=queue ${components}"
                  -D CMAKE_DISABLE_FIND_PACKAGE_fmt=ON -D CMAKE_DISABLE_FIND_PACKAGE_Boost=ON)
run(${CMAKE_COMMAND} --build ${scratch}/found --config ${config})
foreach(program IN ITEMS consumer ${parts})
  string(REGEX REPLACE "^(link|nats)$" "\\1_consumer" program ${program})
  find_program(found_${program} ${program} PATHS ${scratch}/found ${scratch}/found/${config}
               NO_DEFAULT_PATH REQUIRED)
  expect_message(${found_${program}})
endforeach()
foreach(part IN ITEMS link nats)
  if(NOT part IN_LIST parts)
    expect_not_configured(without_${part} "no component ${part}" -D "COMPONENTS=queue ${part}")
  endif()
endforeach()

expect_not_configured(unknown "no component nonsense" -D "COMPONENTS=queue nonsense")
expect_not_configured(newer "version: ${version}" -D VERSION=99.0)

# The command, which is there since the tests build it.
expect_configured(command -D "COMPONENTS=queue cli")
find_program(command millrace PATHS ${prefix}/bin NO_DEFAULT_PATH REQUIRED)
run(${command} --version)
if(NOT output MATCHES "${version}")
  message(FATAL_ERROR "millrace --version printed: ${output}")
endif()

# By pkg-config.
if(pkg_config)
  file(GLOB_RECURSE pc ${prefix}/*/millrace.pc)
  cmake_path(GET pc PARENT_PATH pc_dir)
  set(ENV{PKG_CONFIG_PATH} ${pc_dir})
  run(${pkg_config} --modversion millrace)
  if(NOT output STREQUAL version)
    message(FATAL_ERROR "pkg-config says version ${output}, expected ${version}")
  endif()
  run(${pkg_config} --cflags --libs --static millrace)
  separate_arguments(flags UNIX_COMMAND "${output}")
  run(${compiler} -std=c++20 ${consumer}/main.cpp -o ${scratch}/by_pkg_config ${flags})
  cmake_path(GET pc_dir PARENT_PATH lib_dir)
  set(ENV{LD_LIBRARY_PATH} ${lib_dir})
  expect_message(${scratch}/by_pkg_config)
endif()

file(REMOVE_RECURSE ${scratch})
