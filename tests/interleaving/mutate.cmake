# Writes a copy of one header with one fault built in: cmake -D mutant=FILE -D include=DIR -D to=DIR
# -P mutate.cmake. Fails if the place for the fault is not there, once.
include(${mutant})
file(READ ${include}/millrace/detail/${header}.hpp text)
string(REPLACE "${find}" "" without "${text}")
string(LENGTH "${text}" length)
string(LENGTH "${without}" rest)
string(LENGTH "${find}" once)
math(EXPR gone "${length} - ${rest}")
if(NOT gone EQUAL once)
  message(FATAL_ERROR "${mutant}: what it replaces is not once in ${header}.hpp")
endif()
string(REPLACE "${find}" "${put}" text "${text}")
file(WRITE ${to}/millrace/detail/${header}.hpp "${text}")
