// Senders that wait for room, first come, first served. Their messages stay where they are, in
// their senders' frames, until the receiver moves them into the queue.
#pragma once

#include <exception>
#include <utility>

#include <millrace/box/detail/parking.hpp>
#include <millrace/core/status.hpp>
#include <millrace/detail/deadline.hpp>

namespace millrace::detail {

/// One sender. While it waits it is in a list; whoever takes it out says how it ended, and wakes
/// it.
template <class T>
struct waiting_sender {
  T* message;
  waiter* who;
  steady_time deadline = never;  // of those who have no thread to sleep until then
  status result = status::full;
  std::exception_ptr error = {};  // what moving the message threw

  waiting_sender* next = nullptr;
  waiting_sender* previous = nullptr;
  bool waits = false;
};

/// Not thread-safe.
template <class T>
class sender_list {
 public:
  using node = waiting_sender<T>;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] node* first() const noexcept { return first_; }
  void push_back(node& n) noexcept {
    n.next = nullptr;
    n.previous = std::exchange(last_, &n);
    (n.previous != nullptr ? n.previous->next : first_) = &n;
  }
  void remove(node& n) noexcept {
    (n.previous != nullptr ? n.previous->next : first_) = n.next;
    (n.next != nullptr ? n.next->previous : last_) = n.previous;
  }
  void wake_all() noexcept {
    for (node* n = first_; n != nullptr;) {
      node* const after = n->next;  // once woken, it may be gone
      n->who->wake(*n->who);
      n = after;
    }
  }

 private:
  node* first_ = nullptr;
  node* last_ = nullptr;
};

}  // namespace millrace::detail
