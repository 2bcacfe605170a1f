// item_pool_mock: stands in for an item_pool in the tests of what uses one. It has no threads and
// no items: it is told which requests to expect, in their order, and what to answer.
//
//   template <class Pool> void greet_all(Pool& pool);     // what is to be tested
//
//   millrace::item_pool_mock<guest> pool;
//   pool.expect(greet(1, "hello"), 5);                    // 5: what the item would return
//   pool.expect_failure(greet(2, "hello"), millrace::item_status::unknown_id);
//   pool.answer_next<leave>("bye");                       // whatever its id and arguments
//   greet_all(pool);
//   assert(pool.complete());
#pragma once

#include <concepts>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <millrace/pool/item_pool.hpp>
#include <millrace/pool/request.hpp>
#include <millrace/pool/response.hpp>

namespace millrace {

/// Thrown by a mock at whoever sends what was not expected.
class unexpected_request : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Thread-safe.
template <class Item>
class item_pool_mock {
 public:
  /// What thread_count() says.
  explicit item_pool_mock(std::size_t threads = 1) : threads_(threads) {}

  // --- the script

  /// The next request is this one; the response is made of `answer` (nothing, for void).
  template <request_to<Item> Request, class... Answer>
  requires std::constructible_from<response_to<Request>, item_id, std::in_place_t, Answer...>
  void expect(Request r, Answer... answer) {
    add(std::optional<Request>(std::move(r)), made_of<Request>(std::move(answer)...));
  }
  /// The next request is this one, and fails: `why` is an item_status or std::exception_ptr.
  template <request_to<Item> Request, class Why>
  void expect_failure(Request r, Why why) {
    add(std::optional<Request>(std::move(r)),
        [why](item_id id) { return response_to<Request>(id, why); });
  }
  /// The next request is of this type, to whichever item.
  template <request_to<Item> Request, class... Answer>
  requires std::constructible_from<response_to<Request>, item_id, std::in_place_t, Answer...>
  void answer_next(Answer... answer) {
    add(std::optional<Request>(), made_of<Request>(std::move(answer)...));
  }
  /// What shutdown says.
  void answer_shutdown(std::vector<shutdown_response<Item>> said) {
    const std::lock_guard lock(mutex_);
    said_ = std::move(said);
  }

  /// Whether all that was expected was sent, and nothing else.
  [[nodiscard]] bool complete() const {
    const std::lock_guard lock(mutex_);
    return script_.empty() && !failed_;
  }

  // --- as item_pool

  template <class... Args>
  init_response init(item_id id, Args&&... args) {
    return answer(init_request(id, std::forward<Args>(args)...));
  }
  bool remove(item_id id) { return answer(remove_request{id}).ok(); }

  template <requests_to<Item> Requests>
  [[nodiscard]] auto send_and_receive(Requests&& requests) {
    std::vector<response_to<std::ranges::range_value_t<Requests>>> answers;
    for (const auto& r : requests) {
      answers.push_back(answer(r));
    }
    return answers;
  }
  template <requests_to<Item> Requests>
  [[nodiscard]] auto send_and_receive_in_order(Requests&& requests) {
    return send_and_receive(std::forward<Requests>(requests));
  }
  template <request_to<Item> Request>
  response_to<Request> send_and_receive_once(const Request& r) {
    return answer(r);
  }
  template <request_to<Item> Request>
  bool send(const Request& r) {
    (void)answer(r);
    return true;
  }

  [[nodiscard]] std::size_t thread_count() const noexcept { return threads_; }
  std::vector<shutdown_response<Item>> shutdown() {
    const std::lock_guard lock(mutex_);
    return std::exchange(said_, {});
  }

 private:
  struct step {
    virtual ~step() = default;
  };
  template <class Request>
  struct step_for final : step {
    step_for(std::optional<Request> e, std::function<response_to<Request>(item_id)> a)
        : expected(std::move(e)), answer(std::move(a)) {}
    std::optional<Request> expected;
    std::function<response_to<Request>(item_id)> answer;
  };

  template <class Request, class... Answer>
  static auto made_of(Answer... answer) {
    return [answer...](item_id id) { return response_to<Request>(id, std::in_place, answer...); };
  }
  template <class Request, class Answer>
  void add(std::optional<Request> expected, Answer answer) {
    const std::lock_guard lock(mutex_);
    script_.push_back(std::make_unique<step_for<Request>>(std::move(expected), std::move(answer)));
  }

  template <class Request>
  response_to<Request> answer(const Request& r) {
    const std::lock_guard lock(mutex_);
    ++sent_;
    if (script_.empty()) {
      fail(id_of(r), "none was expected any more");
    }
    const auto next = std::move(script_.front());
    script_.pop_front();
    const auto* const fitting = dynamic_cast<const step_for<Request>*>(next.get());
    if (fitting == nullptr) {
      fail(id_of(r), "one of another type was expected");
    }
    if (fitting->expected && *fitting->expected != r) {
      fail(id_of(r), "expected was one to item " + std::to_string(id_of(*fitting->expected)) +
                         ", or with other arguments");
    }
    return fitting->answer(id_of(r));
  }
  template <class... Requests>
  response_to<std::variant<Requests...>> answer(const std::variant<Requests...>& r) {
    return std::visit(
        [this](const auto& each) -> response_to<std::variant<Requests...>> { return answer(each); },
        r);
  }
  [[noreturn]] void fail(item_id id, const std::string& why) {
    failed_ = true;
    throw unexpected_request("item_pool_mock: request " + std::to_string(sent_) + ", to item " +
                             std::to_string(id) + ": " + why);
  }

  const std::size_t threads_;
  mutable std::mutex mutex_;
  std::deque<std::unique_ptr<step>> script_;
  std::vector<shutdown_response<Item>> said_;
  std::size_t sent_ = 0;
  bool failed_ = false;
};

}  // namespace millrace
