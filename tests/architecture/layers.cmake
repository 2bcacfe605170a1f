# The layer check: cmake -D root=TREE -P layers.cmake
# Reads every file under TREE/include/millrace and TREE/src and fails on an include against the
# arrows, naming each one:
#
#     pool, service -> box -> queue -> core        link -> box        cli -> link, queue
#     queue (src) -> os -> core           detail is used by the rooms above it, not by programs
#     Boost and system headers: under src/os only, but for what other_headers below grants
#
# A room is a folder: "queue" is include/millrace/queue, "src/queue" is src/queue, "top" is the
# headers directly in include/millrace.
cmake_minimum_required(VERSION 3.25)

set(public_rooms top core detail queue box pool service link)
set(private_rooms src/core src/os src/queue src/box src/pool src/service src/link src/nats src/cli)

# The rooms that the files of a room may include from. top is tested file by file, see below.
set(rooms_for_top       core queue box pool service link)
set(rooms_for_core      core)
set(rooms_for_detail    detail core)
set(rooms_for_queue     queue detail core)
set(rooms_for_box       box queue detail core)
set(rooms_for_pool      pool box queue detail core)
set(rooms_for_service   service box queue detail core)
set(rooms_for_link      link box queue core)
set(rooms_for_src/core  src/core core)
set(rooms_for_src/os    src/os src/core core)
set(rooms_for_src/queue src/queue src/os src/core queue detail core)
set(rooms_for_src/box   src/box src/os src/core box detail core)
set(rooms_for_src/pool  src/pool src/queue src/os src/core pool queue detail core)
set(rooms_for_src/service src/service src/os src/core service box queue detail core)
set(rooms_for_src/link  src/link src/core link box queue detail core)
set(rooms_for_src/nats  src/nats src/core link queue core)
set(rooms_for_src/cli   src/cli top link service pool box queue core)

# Besides the C++ standard library: the headers, by regular expression, that a room may include.
set(other_headers_for_src/core  "^fmt/")
set(other_headers_for_src/os    ".")
set(other_headers_for_src/queue "^fmt/")
set(other_headers_for_src/pool  "^fmt/")
set(other_headers_for_src/service "^fmt/")
set(other_headers_for_src/link  "^fmt/|^boost/(asio|system)/|^mpack.h$|^openssl/")
set(other_headers_for_src/nats  "^fmt/|^nats/|^nlohmann/")
set(other_headers_for_src/cli   "^fmt/|^CLI/|^nlohmann/")
# Or that one file may: for those who have that library and ask for the header.
set(other_headers_for_include/millrace/box/asio_executor.hpp "^boost/asio/")
# The command talks to terminals, streams and signals by itself, in files named for their system.
set(other_headers_for_src/cli_system "^fmt/|^[a-z]+\\.h$|^sys/[a-z]+\\.h$")

function(room_of path result)  # path is relative to root
  set(room "none")
  if(path MATCHES "^include/millrace/([a-z_]+)/")
    set(room ${CMAKE_MATCH_1})
  elseif(path MATCHES "^include/millrace/[^/]+$")
    set(room top)
  elseif(path MATCHES "^(src/[a-z_]+)/")
    set(room ${CMAKE_MATCH_1})
  endif()
  set(${result} ${room} PARENT_SCOPE)
endfunction()

# What an include names: a path relative to root, or "standard", "other" or "unreadable".
function(resolve includer text result)
  if(text MATCHES "^<(millrace/[^>]+)>")
    set(found include/${CMAKE_MATCH_1})
  elseif(text MATCHES "^<[a-z_0-9]+>")
    set(found standard)
  elseif(text MATCHES "^<[^>]+>")
    set(found other)
  elseif(text MATCHES "^\"([^\"]+)\"")
    set(name ${CMAKE_MATCH_1})
    cmake_path(GET includer PARENT_PATH folder)
    set(found other)
    foreach(base IN ITEMS ${folder} src include)
      cmake_path(SET candidate NORMALIZE ${base}/${name})
      if(EXISTS ${root}/${candidate})
        set(found ${candidate})
        break()
      endif()
    endforeach()
  else()
    set(found unreadable)  # a macro, say
  endif()
  set(${result} ${found} PARENT_SCOPE)
endfunction()

# Why an include is wrong, or nothing.
function(objection path room text target result)
  set(${result} "" PARENT_SCOPE)
  if(target STREQUAL "standard")
    return()
  elseif(target STREQUAL "unreadable")
    set(${result} "cannot be checked" PARENT_SCOPE)
  elseif(target STREQUAL "other")
    string(REGEX REPLACE "^[<\"]([^>\"]+).*" "\\1" header "${text}")
    set(allowed "${other_headers_for_${room}}")
    if(other_headers_for_${path})
      set(allowed "${other_headers_for_${path}}")
    endif()
    if(path MATCHES "_(posix|windows)\\.cpp$" AND other_headers_for_${room}_system)
      set(allowed "${other_headers_for_${room}_system}")
    endif()
    if(NOT allowed OR NOT header MATCHES "${allowed}")
      set(${result} "${room} may not include this header" PARENT_SCOPE)
    endif()
  else()
    room_of(${target} target_room)
    if(target STREQUAL "include/millrace/version.hpp")
      return()  # stands alone, for everybody
    elseif(NOT target_room IN_LIST rooms_for_${room})
      set(${result} "${room} may not include ${target_room}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(check_file path)
  room_of(${path} room)
  if(NOT room IN_LIST public_rooms AND NOT room IN_LIST private_rooms)
    message(SEND_ERROR "${path}: lies in no room that the layers know")
    return()
  endif()
  # An include may have blanks anywhere; what stands in a comment of its own line is not one.
  file(STRINGS ${root}/${path} includes
       REGEX "^[ \t]*#[ \t]*(include|include_next|import)([^_a-z]|$)")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "^[ \t]*#[ \t]*[a-z_]+[ \t]*" "" text "${line}")
    resolve(${path} "${text}" target)
    objection(${path} ${room} "${text}" ${target} why)
    if(why)
      message(SEND_ERROR "${path}: #include ${text}: ${why}")
    endif()
  endforeach()
endfunction()

file(GLOB_RECURSE files RELATIVE ${root}
     ${root}/include/*.hpp ${root}/include/*.h ${root}/src/*.hpp ${root}/src/*.h ${root}/src/*.cpp)
if(NOT files)
  message(FATAL_ERROR "no files under ${root}")
endif()
foreach(file IN LISTS files)
  check_file(${file})
endforeach()
list(LENGTH files count)
message(STATUS "${count} files checked")
