// broker: receives messages, takes a key from each, and keeps a resource for every key. (After the
// broker of Sven Heyll's rio-process-pool for Haskell.)
//
//   using to = millrace::routed<account_id, transfer>;
//   millrace::broker desk(
//       [](request&& r) { return r.opens ? to::initialize(r.id) : to::dispatch(r.id, r.what); },
//       [](account_id, const transfer*) { return account(); },            // creates a resource
//       [](account_id, transfer&& t, account& a) -> millrace::handled<account> {
//         a.book(t);
//         if (a.closed()) return millrace::remove_resource{};
//         return millrace::keep_resource{};
//       },
//       [](account_id, account& a) { a.write_off(); });                   // cleans one up
//   desk.run(box);              // until there is no message any more, or a stop is asked for
//
// No exception of a callback ends it:
//   the demultiplexer's   the message is dropped
//   the creator's         there is no resource, and the message that came with the key is dropped
//   the handler's         the resource is cleaned up and removed
//   the cleaner's         the resource is removed anyway
// A key that is initialized again, and a message for a key that there is not, are ignored. All this
// is reported, to the hook.
#pragma once

#include <optional>
#include <stop_token>
#include <utility>

#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>
#include <millrace/core/status.hpp>
#include <millrace/pool/detail/keyed_resources.hpp>
#include <millrace/pool/report.hpp>
#include <millrace/pool/routed.hpp>

namespace millrace {

/// `Demultiplex`: routed<Key, Message>(Incoming&&), for messages as they come from the box.
/// `Create`: Resource(const Key&, const Message* first); `first` is the message that is to be
///           handled next, or null.
/// `Handle`: handled<Resource>(const Key&, Message&&, Resource&), or one of the three answers.
/// `Clean`:  void(const Key&, Resource&); once for each resource that was created and not replaced.
/// `Report`: void(const pool_report<Key>&); what it throws is dropped.
///
/// Each run has resources of its own. Thread-safety: one run at a time, in whose thread or
/// coroutine all callbacks are called.
template <class Demultiplex, class Create, class Handle, class Clean, class Report = ignore_reports>
class broker {
 public:
  broker(Demultiplex demultiplex, Create create, Handle handle, Clean clean, Report report = {})
      : callbacks_{std::move(demultiplex), std::move(create), std::move(handle), std::move(clean),
                   std::move(report)} {}

  /// Until the box is closed or has no inputs any more and is empty; or a stop is asked for, after
  /// the message in hand and whatever is in the box. Then cleans up all resources. Throws only what
  /// comparing keys throws, after that.
  template <class T, class Policy>
  void run(message_box<T, Policy>& from, const std::stop_token& stop = {}) {
    detail::keyed_resources<callbacks, T> resources(callbacks_);
    for (std::optional<T> message; !stop.stop_requested(); message.reset()) {
      try {
        if (from.receive_within(message, for_ever, stop) != status::ok) {
          return;
        }
      } catch (...) {
        resources.lost_one();
        continue;
      }
      resources.take(std::move(*message));
    }
  }

  /// The same as a coroutine. Destroyed while it waits, it cleans up as well. REQUIRES: the broker
  /// outlives it.
  template <class T, class Policy>
  [[nodiscard]] task<> run(async_inbox<T, Policy> from, std::stop_token stop = {}) {
    detail::keyed_resources<callbacks, T> resources(callbacks_);
    while (!stop.stop_requested()) {
      std::optional<T> message;
      try {
        message = co_await from.receive_after(for_ever, stop);
        if (!message) {
          break;
        }
      } catch (...) {
        resources.lost_one();
        continue;
      }
      resources.take(std::move(*message));
    }
  }

 private:
  using callbacks = detail::broker_callbacks<Demultiplex, Create, Handle, Clean, Report>;
  callbacks callbacks_;
};

}  // namespace millrace
