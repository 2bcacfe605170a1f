// A request with room for its response: the caller writes one, an item's thread the other.
#pragma once

#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include <millrace/pool/detail/resident_items.hpp>
#include <millrace/pool/request.hpp>
#include <millrace/pool/response.hpp>

namespace millrace::detail {

/// `Why`: item_status, or std::exception_ptr.
template <class Request, class Why>
response_to<Request> no_answer(const Request& r, Why why) noexcept {
  return {r.id, std::move(why)};
}
template <class... Requests, class Why>
response_to<std::variant<Requests...>> no_answer(const std::variant<Requests...>& r,
                                                 Why why) noexcept {
  return std::visit(
      [&](const auto& each) -> response_to<std::variant<Requests...>> {
        return no_answer(each, std::move(why));
      },
      r);
}

template <class Request>
class errand {
 public:
  explicit errand(Request r) : request_(std::move(r)) {}

  template <class Item>
  void run(resident_items<Item>& items) noexcept {
    try {
      response_.emplace(perform(request_, items));
    } catch (...) {
      response_.emplace(no_answer(request_, std::current_exception()));
    }
  }
  void refuse(item_status why) noexcept { response_.emplace(no_answer(request_, why)); }

  /// After either.
  [[nodiscard]] response_to<Request>& response() noexcept { return *response_; }

 private:
  Request request_;
  std::optional<response_to<Request>> response_;
};

}  // namespace millrace::detail
