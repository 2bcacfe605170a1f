// Every peer whose package was found.
#pragma once

#include "lockfree_queue.hpp"
#include "millrace_box.hpp"
#include "mpmc_queue.hpp"
#include "mutex_deque.hpp"
#if MILLRACE_BENCH_MOODYCAMEL
#include "moodycamel_queue.hpp"
#endif
#if MILLRACE_BENCH_TBB
#include "tbb_queue.hpp"
#endif

#include "../../harness/list.hpp"

namespace bench {

template <class T>
using boxes = list<blocking_box<T>, unlimited_box<T>, waiting_box<T>>;

/// Those that let a thread that waits sleep.
template <class T>
using blocking_queues = decltype(list<mutex_deque<T>>()
#if MILLRACE_BENCH_MOODYCAMEL
                                 + list<moodycamel_queue<T>>()
#endif
#if MILLRACE_BENCH_TBB
                                 + list<tbb_queue<T>>()
#endif
);

/// Those that spin.
template <class T>
using spinning_queues = list<mpmc_queue<T>, lockfree_queue<T>>;

}  // namespace bench
