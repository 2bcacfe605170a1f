// worker_pool: workers found by a key, each with a message box of its own. A worker is a coroutine,
// a hundred thousand of which share a few threads; or a thread, for callbacks that block. (After
// the pool of Sven Heyll's rio-process-pool for Haskell.)
//
//   millrace::worker_pool<account_id, transfer> pool(
//       scheduler, [](const auto& id, const auto& box, std::stop_token) -> millrace::task<> {
//         account a(id);
//         while (const auto t = co_await box.receive()) a.book(*t);
//       });
//   pool.initialize(7);
//   pool.dispatch(7, transfer{100});
//   pool.remove(7);
//
// A removed worker's box ends behind what was dispatched; just after that its stop is asked for.
// A worker whose callback returns or throws is forgotten, and its key may be initialized again. So
// is one to which a message could not be delivered, as its box is full and the policy does not let
// it wait, or the callback has just ended. What happens is reported, to the hook.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include <millrace/box/message_box.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/box/scheduler.hpp>
#include <millrace/box/task.hpp>
#include <millrace/core/status.hpp>
#include <millrace/pool/detail/keyed_map.hpp>
#include <millrace/pool/detail/thread_chain.hpp>
#include <millrace/pool/detail/worker_registry.hpp>
#include <millrace/pool/report.hpp>

namespace millrace {

/// Says that workers are threads.
struct thread_each_t {};
inline constexpr thread_each_t thread_each;

/// Thread-safe. Callbacks and the hook are called by several threads at once; they must not destroy
/// the pool nor stop it, as that waits for them, but may do everything else with it. Copying,
/// hashing and comparing keys should not throw: where a worker ends, that ends the program.
template <pool_key Key, class Message, box_policy Policy = unlimited>
class worker_pool {
 public:
  using inbox_type = async_inbox<Message, quiet<Policy>>;
  using box_type = message_box<Message, quiet<Policy>>;
  /// What a worker does. The key and the box stay until it has ended, and no longer. A removed
  /// worker's box ends when it is empty; who would rather not see what is in it passes the
  /// stop_token to receive. Whoever initializes a worker calls this; the coroutine that it returns
  /// goes on on the scheduler.
  using coroutine = std::function<task<>(const Key&, const inbox_type&, std::stop_token)>;
  using function = std::function<void(const Key&, box_type&, std::stop_token)>;
  using report_hook = std::function<void(const pool_report<Key>&)>;

  /// Workers are coroutines on `where`, whose executor outlives the pool. `policy`: of their boxes.
  worker_pool(scheduler where, coroutine work, const Policy& policy = {},
              report_hook report = ignore_reports{})
      : policy_{policy}, report_(std::move(report)), where_(std::move(where)),
        coroutine_(std::move(work)) {}
  /// Workers are threads.
  worker_pool(thread_each_t /*unused*/, function work, const Policy& policy = {},
              report_hook report = ignore_reports{})
      : policy_{policy}, report_(std::move(report)), function_(std::move(work)) {}
  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;
  /// Stops.
  ~worker_pool() { stop(); }

  /// Starts a worker, with a first message for it perhaps. False: there is one of this key, or it
  /// could not be started.
  bool initialize(const Key& key, std::optional<Message> first = {}) {
    try {
      beginning by_caller{first};
      if (where_) {
        run(key, by_caller);
      } else {
        run_thread(key, by_caller);
      }
      return by_caller.entered;
    } catch (...) {
      tell(pool_event::not_started, key, std::current_exception());
      return false;
    }
  }

  /// Delivers a message to a worker; waits for room if and as long as the boxes' policy says.
  /// False: there is none, or it is gone now; `message` is as it was. Throws what moving Message
  /// throws, and std::bad_alloc when unlimited; then the message is lost, and the worker goes on.
  bool dispatch(const Key& key, Message&& message) {
    status s = status::ok;
    std::optional<guest> refused;
    const bool found = workers_.with(key, [&](worker& w) {
      s = w.box.try_send(std::move(message));
      if (s != status::ok) {
        refused.emplace(workers_, w);
      }
    });
    if (!found) {
      tell(pool_event::unknown_key, key);
      return false;
    }
    if constexpr (Policy::bounded) {
      if (s == status::full && policy_.deliver_time() > std::chrono::nanoseconds::zero()) {
        worker& w = refused->host();
        s = w.box.send(std::move(message), detail::deadline_after(policy_.deliver_time()),
                       refused->host_stops());
      }
    }
    if (s == status::ok) {
      return true;
    }
    auto taken = workers_.take_out(refused->host());
    refused.reset();  // before anything of the user's is called: it may need a thread that the
                      // worker, as long as it has a guest, does not let go of
    cancel(std::move(taken));
    tell(pool_event::not_delivered, key);
    return false;
  }
  bool dispatch(const Key& key, const Message& message) requires std::copy_constructible<Message> {
    return dispatch(key, Message(message));
  }

  /// Cancels a worker and forgets it; it may run on for a while. False: there is none.
  bool remove(const Key& key) {
    const bool found = cancel(workers_.take_out(key));
    if (!found) {
      tell(pool_event::unknown_key, key);
    }
    return found;
  }

  /// Cancels all workers, for good, and waits until they have ended.
  void stop() {
    workers_.close();
    while (cancel(workers_.take_any_out())) {
    }
    workers_.wait_until_all_are_gone();
    threads_.join();
  }

  [[nodiscard]] std::size_t size() const { return workers_.size(); }

 private:
  using registry = detail::worker_registry<Key, Message, quiet<Policy>>;
  using meeting = typename registry::meeting;
  using worker = typename registry::worker;
  using guest = typename registry::guest;
  using presence = typename registry::presence;

  /// Of a worker's life, what its initializer sees.
  struct beginning {
    std::optional<Message>& first;
    bool entered = false;
  };

  /// A coroutine that owns itself and keeps its worker, box and all, in its frame: besides the
  /// callback's, that is one piece of memory. Whoever calls this goes on, with `by_caller`, when it
  /// is suspended: before it has `begun`.
  detail::detached run(Key key, beginning& by_caller) {
    presence here;
    bool begun = false;
    try {
      meeting box(policy_);
      worker self(key, box);
      const inbox_type inbox(std::shared_ptr<meeting>(std::shared_ptr<void>(), &box),
                             where_->borrowed());
      if (const auto work = begin(self, inbox, here, by_caller)) {
        co_await where_->yield();
        begun = true;
        co_await *work;
      }
    } catch (...) {
      if (!begun) {
        by_caller.entered = false;
      }
      tell(begun ? pool_event::worker_threw : pool_event::not_started, key,
           std::current_exception());
    }
  }

  /// Not in the coroutine, whose frame would keep all that is needed only here.
  std::optional<task<>> begin(worker& self, const inbox_type& inbox, presence& here,
                              beginning& by_caller) {
    std::stop_token stop = self.stop_token();  // before somebody else finds it
    if (!enter(self, here, by_caller)) {
      return {};
    }
    return coroutine_(self.key, inbox, std::move(stop));
  }

  /// The same for a thread, which may give away inputs of its box that last longer.
  struct thread_worker {
    thread_worker(const Key& k, const quiet<Policy>& policy)
        : key(k), shared(std::make_shared<meeting>(policy)), box(shared) {
      self.emplace(key, *shared);
    }

    const Key key;
    const std::shared_ptr<meeting> shared;
    box_type box;
    std::optional<worker> self;
  };
  void run_thread(const Key& key, beginning& by_caller) {
    auto here = std::make_unique<presence>();
    auto w = std::make_unique<thread_worker>(key, policy_);
    std::stop_token stop = w->self->stop_token();
    if (!enter(*w->self, *here, by_caller)) {
      return;
    }
    threads_.start(
        [this, w = std::move(w), stop = std::move(stop)]() mutable {
          try {
            function_(w->key, w->box, std::move(stop));
            w.reset();
          } catch (...) {
            w->self.reset();
            tell(pool_event::worker_threw, w->key, std::current_exception());
            w.reset();
          }
        },
        [here = std::move(here)]() mutable { here.reset(); });
  }

  bool enter(worker& w, presence& of, beginning& by_caller) {
    if (by_caller.first) {
      // There is room, as nobody else knows the box.
      (void)w.box.try_send(std::move(*by_caller.first));
    }
    switch (workers_.enter(w, of)) {
    case detail::entering::key_exists:
      tell(pool_event::key_exists, w.key);
      return false;
    case detail::entering::closed:
      tell(pool_event::not_started, w.key);
      return false;
    case detail::entering::entered:
      by_caller.entered = true;
    }
    return by_caller.entered;
  }

  static bool cancel(std::optional<std::stop_source> who) {
    if (who) {
      who->request_stop();
    }
    return who.has_value();
  }

  void tell(pool_event event, const Key& key, std::exception_ptr error = {}) noexcept {
    detail::tell(report_, event, &key, std::move(error));
  }

  const quiet<Policy> policy_;
  report_hook report_;
  std::optional<scheduler> where_;  // nothing: workers are threads
  coroutine coroutine_;
  function function_;
  registry workers_;
  detail::thread_chain threads_;
};

}  // namespace millrace
