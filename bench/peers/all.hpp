// Every peer whose package was found.
#pragma once

#include "../harness/list.hpp"
#include "boost_queue.hpp"
#include "millrace_queue.hpp"
#include "pipe.hpp"
#include "posix_queue.hpp"
#include "raw_slots.hpp"
#include "unix_socket.hpp"
#if MILLRACE_BENCH_ZEROMQ
#include "zeromq.hpp"
#endif
#if MILLRACE_BENCH_NNG
#include "nanomsg.hpp"
#endif

namespace bench {

using shared_roles = list<millrace_queue<millrace::role::shared>>;
using exclusive_roles = list<millrace_queue<millrace::role::exclusive>>;
using machine = list<raw_slots>;

using others = decltype(list<boost_queue, posix_queue, pipe_channel, unix_socket>()
#if MILLRACE_BENCH_ZEROMQ
                        + list<zeromq>()
#endif
#if MILLRACE_BENCH_NNG
                        + list<nanomsg>()
#endif
);

}  // namespace bench
