# Warnings for everything that is compiled below this directory, all of which is ours; what
# find_package brings in is a system header to the compiler and stays quiet.
option(MILLRACE_WERROR "Treat warnings as errors" OFF)
set(CMAKE_COMPILE_WARNING_AS_ERROR ${MILLRACE_WERROR})

if(MSVC)
  add_compile_options(/W4 /permissive-)
else()
  add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wextra-semi
                      -Wnon-virtual-dtor -Woverloaded-virtual)
  # g++ 12 raises false alarms in "text" + std::string (GCC bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12")
    add_compile_options(-Wno-restrict)
  endif()
endif()
