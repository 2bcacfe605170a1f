# MILLRACE_SANITIZE=address,undefined or thread: build everything with these sanitizers. The first
# finding ends the program with a failure.
set(MILLRACE_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")

if(MILLRACE_SANITIZE)
  add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${MILLRACE_SANITIZE})
  if(MILLRACE_SANITIZE MATCHES "undefined")
    # This check opens a pipe to see whether memory is readable, and cries wolf where a test has
    # taken all file descriptors away.
    add_compile_options(-fno-sanitize=vptr)
  endif()
  if(MILLRACE_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-error=tsan)  # the sanitizer does not see fences; they may stay
  endif()
endif()

# Fuzzers see by this which code an input reaches.
if(MILLRACE_BUILD_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
