# Breaks the sources in each way of edits/, and sees the tests notice it: cmake [-D only=NAME,...]
# -P run.cmake. Works on a copy of the sources in build/mutations, which stays there, so that the
# next time begins with most of it built. Fails if a break goes unnoticed.
#
# Besides what it replaces (support/mutate.cmake), an edit says which `target` it is built into and,
# in `arguments`, what of that is to be run. A test that does not end within the time limit has
# noticed it too: such breaks make others wait for ever.
cmake_minimum_required(VERSION 3.25)

set(limit 60)  # seconds; many times what the tests named here take of themselves
cmake_path(SET root NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../..)
string(REGEX REPLACE "/$" "" root ${root})
set(work ${root}/build/mutations)
set(mutate ${root}/tests/support/mutate.cmake)

file(GLOB mutants ${CMAKE_CURRENT_LIST_DIR}/edits/*.cmake)
if(only)
  string(REPLACE "," ";" mutants ${only})
  list(TRANSFORM mutants REPLACE ".+" ${CMAKE_CURRENT_LIST_DIR}/edits/\\0.cmake)
  foreach(mutant IN LISTS mutants)
    if(NOT EXISTS ${mutant})
      message(FATAL_ERROR "no edit ${mutant}")
    endif()
  endforeach()
endif()

# --- the copy; a file that is the same keeps its time, and need not be compiled again

function(files_in directory result)
  file(GLOB_RECURSE found LIST_DIRECTORIES false RELATIVE ${directory} ${directory}/cmake/*
    ${directory}/include/* ${directory}/samples/* ${directory}/src/*
    ${directory}/tests/*)
  set(${result} CMakeLists.txt ${found} PARENT_SCOPE)
endfunction()

files_in(${root} originals)
files_in(${work}/tree copies)
if(copies)
  list(REMOVE_ITEM copies ${originals})
endif()
foreach(gone IN LISTS copies)
  file(REMOVE ${work}/tree/${gone})
endforeach()
foreach(original IN LISTS originals)
  cmake_path(GET original PARENT_PATH directory)
  file(MAKE_DIRECTORY ${work}/tree/${directory})
  file(COPY_FILE ${root}/${original} ${work}/tree/${original} ONLY_IF_DIFFERENT)
endforeach()

# --- building and running

set(log ${work}/log)
file(WRITE ${log} "")

function(build target)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${work}/build --target ${target}
    RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${target} cannot be built:\n${said}")
  endif()
endfunction()

# try(RESULT): runs what the edit at hand names. 0, an exit code, or why there is none.
function(try result)
  file(GLOB_RECURSE program ${work}/build/tests/${target})
  execute_process(COMMAND ${program} ${arguments} TIMEOUT ${limit}
    RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE said)
  file(APPEND ${log} "==== ${name}: ${code}\n${said}\n")
  set(${result} "${code}" PARENT_SCOPE)
  if(target STREQUAL "single_step_test" AND code EQUAL 77)
    message(FATAL_ERROR "single_step_test does not run here")
  endif()
  if(code EQUAL 0 AND said MATCHES "test cases: +0 |\n0 operations")
    message(FATAL_ERROR "${name}: there are no tests '${arguments}' in ${target}")
  endif()
endfunction()

function(pad text width result)
  string(LENGTH "${text}" length)
  math(EXPR missing "${width} - ${length}")
  if(missing LESS 0)
    set(missing 0)
  endif()
  string(REPEAT " " ${missing} blanks)
  set(${result} "${text}${blanks}" PARENT_SCOPE)
endfunction()

function(row what noticed seconds)
  pad("${what}" 44 what)
  pad("${noticed}" 76 noticed)
  message("${what} | ${noticed} | ${seconds}")
endfunction()

execute_process(
  COMMAND ${CMAKE_COMMAND} -S ${work}/tree -B ${work}/build -G Ninja -D CMAKE_BUILD_TYPE=Release
          -D MILLRACE_BUILD_TESTS=ON
  COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)

row("broken: it" "noticed by" "seconds")
set(survivors)
set(sound)
foreach(mutant IN LISTS mutants)
  cmake_path(GET mutant STEM name)
  set(arguments)
  set(file)
  set(header)
  include(${mutant})
  if(NOT file)
    set(file include/millrace/detail/${header}.hpp)
  endif()

  # What fails on the sources as they are notices nothing.
  if(NOT "${target} ${arguments}" IN_LIST sound)
    build(${target})
    try(result)
    if(NOT result STREQUAL "0")
      message(FATAL_ERROR "${target} ${arguments} fails without any break: ${result}; see ${log}")
    endif()
    list(APPEND sound "${target} ${arguments}")
  endif()

  string(TIMESTAMP start %s)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -D mutant=${mutant} -D root=${root} -D to=${work}/tree -P ${mutate}
    COMMAND_ERROR_IS_FATAL ANY)
  build(${target})
  try(result)
  # Written, not copied with its old time, so that it is compiled again.
  file(READ ${root}/${file} text)
  file(WRITE ${work}/tree/${file} "${text}")
  string(TIMESTAMP end %s)
  math(EXPR seconds "${end} - ${start}")

  list(JOIN arguments " " shown)
  if(result STREQUAL "0")
    list(APPEND survivors ${name})
    row(${name} "NOT NOTICED by ${target} ${shown}" ${seconds})
  elseif(result MATCHES "timeout")
    row(${name} "${target} ${shown} (waits for ever)" ${seconds})
  else()
    row(${name} "${target} ${shown}" ${seconds})
  endif()
endforeach()

list(LENGTH mutants all)
list(LENGTH survivors unnoticed)
if(survivors)
  list(JOIN survivors ", " survivors)
  message(FATAL_ERROR "${unnoticed} of ${all} breaks went unnoticed: ${survivors}; see ${log}")
endif()
message("all of ${all} breaks were noticed")
