# MILLRACE_COVERAGE: count which lines run. Counters are atomic, since the tests have many threads.
option(MILLRACE_COVERAGE "Build with gcov counters" OFF)

if(MILLRACE_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()
