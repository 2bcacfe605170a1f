# Proves that the layer check can fail: cmake -D check=layers.cmake -D scratch=DIR -P layers_test.cmake
# A small tree with right includes passes; the same tree with any one wrong include does not, and
# the check names the file and the include.
cmake_minimum_required(VERSION 3.25)

function(make_good_tree)
  file(REMOVE_RECURSE ${scratch})
  file(WRITE ${scratch}/include/millrace/millrace.hpp "#include <millrace/queue/options.hpp>\n")
  file(WRITE ${scratch}/include/millrace/version.hpp "#define VERSION 1\n")
  file(WRITE ${scratch}/include/millrace/core/error.hpp "#include <string>\n")
  file(WRITE ${scratch}/include/millrace/detail/word.hpp "#include <millrace/core/error.hpp>\n")
  file(WRITE ${scratch}/include/millrace/queue/options.hpp "#include <millrace/detail/word.hpp>\n")
  file(WRITE ${scratch}/include/millrace/box/message_box.hpp
       "#include <millrace/queue/options.hpp>\n")
  file(WRITE ${scratch}/include/millrace/box/asio_executor.hpp
       "#include <boost/asio/post.hpp>\n")
  file(WRITE ${scratch}/include/millrace/pool/broker.hpp
       "#include <millrace/box/message_box.hpp>\n")
  file(WRITE ${scratch}/include/millrace/service/client.hpp
       "#include <millrace/box/message_box.hpp>\n")
  file(WRITE ${scratch}/include/millrace/link/tcp_link.hpp "#include <millrace/queue/options.hpp>\n")
  file(WRITE ${scratch}/src/os/lease.hpp "#include <millrace/core/error.hpp>\n")
  file(WRITE ${scratch}/src/os/lease_posix.cpp
       "#include \"lease.hpp\"\n#include <fcntl.h>\n#include <boost/interprocess/x.hpp>\n")
  file(WRITE ${scratch}/src/queue/segment.hpp "#include <atomic>\n")
  file(WRITE ${scratch}/src/queue/segment.cpp
       "// not one: #include <fcntl.h>\n#include \"segment.hpp\"\n#include \"os/lease.hpp\"\n"
       "#include <fmt/format.h>\n")
  file(WRITE ${scratch}/src/nats/session.cpp
       "#include <nats/nats.h>\n#include <millrace/link/tcp_link.hpp>\n")
  file(WRITE ${scratch}/src/cli/main.cpp
       "#include <CLI/CLI.hpp>\n#include <millrace/millrace.hpp>\n")
  file(WRITE ${scratch}/src/cli/streams_posix.cpp "#include <unistd.h>\n#include <sys/uio.h>\n")
endfunction()

function(run_check)
  execute_process(COMMAND ${CMAKE_COMMAND} -D root=${scratch} -P ${check}
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")  # cmake wraps its messages
  set(result ${result} PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect_refused path include)
  make_good_tree()
  file(APPEND ${scratch}/${path} "${include}\n")
  run_check()
  string(FIND "${output}" "${path}: " named)
  if(result EQUAL 0 OR named EQUAL -1)
    message(SEND_ERROR "not refused: ${include} in ${path}\n${output}")
  endif()
endfunction()

make_good_tree()
run_check()
if(NOT result EQUAL 0)
  message(SEND_ERROR "the good tree is refused:\n${output}")
endif()

# against the arrows between public rooms
expect_refused(include/millrace/core/error.hpp "#include <millrace/queue/options.hpp>")
expect_refused(include/millrace/core/error.hpp "#include <millrace/detail/word.hpp>")
expect_refused(include/millrace/detail/word.hpp "#include <millrace/queue/options.hpp>")
expect_refused(include/millrace/queue/options.hpp "#include <millrace/box/message_box.hpp>")
expect_refused(include/millrace/queue/options.hpp "#include <millrace/millrace.hpp>")
expect_refused(include/millrace/box/message_box.hpp "#include <millrace/pool/broker.hpp>")
expect_refused(include/millrace/box/message_box.hpp "#include <millrace/link/tcp_link.hpp>")
expect_refused(include/millrace/box/message_box.hpp "#include <millrace/service/client.hpp>")
expect_refused(include/millrace/link/tcp_link.hpp "#include <millrace/pool/broker.hpp>")
expect_refused(include/millrace/millrace.hpp "#include <millrace/detail/word.hpp>")
# from the public to the private side, spelled in several ways
expect_refused(include/millrace/queue/options.hpp "#include \"os/lease.hpp\"")
expect_refused(include/millrace/queue/options.hpp "#include \"../../../src/os/lease.hpp\"")
expect_refused(include/millrace/queue/options.hpp "  #  include \"queue/segment.hpp\"")
# between private rooms
expect_refused(src/os/lease.hpp "#include \"queue/segment.hpp\"")
expect_refused(src/os/lease.hpp "#include \"../queue/segment.hpp\"")
expect_refused(src/os/lease.hpp "#include <millrace/queue/options.hpp>")
expect_refused(src/queue/segment.cpp "#include \"../cli/main.cpp\"")
expect_refused(src/nats/session.cpp "#include \"queue/segment.hpp\"")
expect_refused(src/cli/main.cpp "#include \"queue/segment.hpp\"")
expect_refused(src/cli/main.cpp "#include \"os/lease.hpp\"")
expect_refused(src/cli/main.cpp "#include <millrace/detail/word.hpp>")
# Boost and the system
expect_refused(include/millrace/queue/options.hpp "#include <boost/interprocess/x.hpp>")
expect_refused(include/millrace/box/message_box.hpp "#include <boost/asio/post.hpp>")
expect_refused(include/millrace/box/asio_executor.hpp "#include <boost/interprocess/x.hpp>")
expect_refused(include/millrace/core/error.hpp "#include <unistd.h>")
expect_refused(include/millrace/core/error.hpp "#include <fmt/format.h>")
expect_refused(include/millrace/link/tcp_link.hpp "#include <nats/nats.h>")
expect_refused(src/nats/session.cpp "#include <boost/asio/post.hpp>")
expect_refused(src/queue/segment.cpp "#include <boost/interprocess/x.hpp>")
expect_refused(src/queue/segment.cpp "#include <sys/mman.h>")
expect_refused(src/queue/segment.cpp "#include<windows.h>")
expect_refused(src/queue/segment.cpp "#include \"fcntl.h\"")
expect_refused(src/cli/main.cpp "#include <unistd.h>")
expect_refused(src/cli/streams_posix.cpp "#include <boost/interprocess/x.hpp>")
expect_refused(src/queue/sleep_posix.cpp "#include <unistd.h>")
# what cannot be judged
expect_refused(src/queue/segment.cpp "#include CONFIGURED_HEADER")
expect_refused(src/attic/old.cpp "#include <vector>")
expect_refused(include/millrace/attic/old.hpp "#include <vector>")

file(REMOVE_RECURSE ${scratch})
