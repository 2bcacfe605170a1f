// Calls whose replies are counted, by both sides.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include <millrace/box/command.hpp>
#include <millrace/box/message_box.hpp>

namespace counted_calls {

inline std::atomic<int> living_answers{0};

/// What calls here return: knows how many of its kind there are, so that a lost or doubled one
/// shows.
class answer {
 public:
  explicit answer(int number) : number_(std::make_unique<int>(number)) { ++living_answers; }
  answer(answer&& other) noexcept : number_(std::move(other.number_)) { ++living_answers; }
  answer& operator=(answer&&) = default;
  ~answer() { --living_answers; }
  [[nodiscard]] int number() const { return *number_; }

 private:
  std::unique_ptr<int> number_;
};

struct ask {
  int number;
  using returns = millrace::returns<answer>;
};
using api = millrace::protocol<ask>;

template <class Policy = millrace::unlimited>
using desk = millrace::message_box<api::message, Policy>;

/// What became of calls, as told to one side.
struct tally {
  std::atomic<int> replied{0};
  std::atomic<int> gone{0};  // timed out or cancelled, here; told that nobody waits, there
  std::atomic<int> failed{0};
  std::atomic<int> closed{0};
  std::atomic<int> unsent{0};

  void add(int asked, const millrace::result<answer, millrace::command_error>& result) {
    if (result) {
      replied += result->number() == asked ? 1 : 0;
      return;
    }
    switch (result.error().code) {
    case millrace::command_errc::could_not_enqueue:
      ++unsent;
      break;
    case millrace::command_errc::timed_out:
    case millrace::command_errc::cancelled:
      ++gone;
      break;
    case millrace::command_errc::failed:
      ++failed;
      break;
    case millrace::command_errc::closed:
      ++closed;
      break;
    }
  }
  void add(std::atomic<int>& as, millrace::reply_status status) {
    if (status == millrace::reply_status::replied) {
      ++as;
    } else if (status == millrace::reply_status::abandoned) {
      ++gone;
    }
  }
  /// As the replier.
  void reply(ask&& question, millrace::reply_box<answer>& to) {
    add(replied, reply_to(to, answer(question.number)));
  }
};

}  // namespace counted_calls
