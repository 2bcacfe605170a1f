// The items that live on one thread of a pool, and what requests do to them. All of it is run by
// that thread alone.
#pragma once

#include <cstddef>
#include <exception>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <millrace/pool/request.hpp>
#include <millrace/pool/response.hpp>

namespace millrace::detail {

/// Items need not be movable: they stay where they were made.
template <class Item>
class resident_items {
 public:
  /// False: there is one already. Throws what the item's constructor throws; there is none then.
  template <class... Args>
  [[nodiscard]] bool init(item_id id, Args&&... args) {
    return items_.try_emplace(id, std::forward<Args>(args)...).second;
  }
  [[nodiscard]] Item* find(item_id id) {
    const auto at = items_.find(id);
    return at == items_.end() ? nullptr : &at->second;
  }
  [[nodiscard]] bool remove(item_id id) { return items_.erase(id) == 1; }

  /// Asks all for their last words, and destroys them.
  [[nodiscard]] std::vector<shutdown_response<Item>> shutdown() {
    std::vector<shutdown_response<Item>> said;
    said.reserve(items_.size());
    for (auto& [id, item] : items_) {
      try {
        said.push_back(last_words(id, item));
      } catch (...) {
        said.emplace_back(id, std::current_exception());
      }
    }
    items_.clear();
    return said;
  }

 private:
  static shutdown_response<Item> last_words(item_id id, Item& item) {
    if constexpr (std::is_void_v<typename shutdown_response<Item>::value_type>) {
      if constexpr (requires { item.shutdown(); }) {
        item.shutdown();
      }
      return {id, std::in_place};
    } else {
      return {id, std::in_place, item.shutdown()};
    }
  }

  std::unordered_map<item_id, Item> items_;
};

/// What a request asks for. Throws what the item throws.
template <auto F, class Item>
response<F> perform(request<F>& r, resident_items<Item>& items) {
  Item* const item = items.find(r.id);
  if (item == nullptr) {
    return {r.id, item_status::unknown_id};
  }
  using function = member_function<decltype(F)>;
  if constexpr (std::is_void_v<result_of<F>>) {
    function::call(F, *item, r.arguments);
    return {r.id, std::in_place};
  } else {
    return {r.id, std::in_place, function::call(F, *item, r.arguments)};
  }
}
template <class... Args, class Item>
init_response perform(init_request<Args...>& r, resident_items<Item>& items) {
  const bool made = std::apply(
      [&](auto&... each) { return items.init(r.id, static_cast<Args&&>(each)...); }, r.arguments);
  if (!made) {
    return {r.id, item_status::already_exists};
  }
  return {r.id, std::in_place};
}
template <class Item>
remove_response perform(remove_request& r, resident_items<Item>& items) {
  if (!items.remove(r.id)) {
    return {r.id, item_status::unknown_id};
  }
  return {r.id, std::in_place};
}
template <class... Requests, class Item>
response_to<std::variant<Requests...>> perform(std::variant<Requests...>& r,
                                               resident_items<Item>& items) {
  return std::visit(
      [&](auto& each) -> response_to<std::variant<Requests...>> { return perform(each, items); },
      r);
}

}  // namespace millrace::detail
