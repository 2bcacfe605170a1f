// What can be asked of the items of a pool: to be made, to be removed, and to run those of their
// member functions that they list.
//
//   class counter {
//    public:
//     int add(int n);
//     int total() const;
//     using requests = millrace::request_list<&counter::add, &counter::total>;
//   };
//   using add = millrace::request<&counter::add>;
//
//   add(7, 3)                         // to item 7: add(3); answered by a response<&counter::add>
//   millrace::any_request<counter>    // a variant of them all, for mixed batches
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <millrace/pool/detail/member_function.hpp>
#include <millrace/pool/response.hpp>

namespace millrace {

/// To run a member function. The arguments are converted to the types of its parameters at once,
/// and kept by value; a pointer or view among them must stay valid until the item has run.
template <auto F>
requires std::is_member_function_pointer_v<decltype(F)>
struct request {
  using arguments_type = typename detail::member_function<decltype(F)>::arguments;

  template <class... Args>
  requires std::is_constructible_v<arguments_type, Args...>
  explicit request(item_id to, Args&&... args) : id(to), arguments(std::forward<Args>(args)...) {}

  friend bool operator==(const request&, const request&) = default;

  item_id id;
  arguments_type arguments;
};

/// To make an item of these arguments, on its thread.
template <class... Args>
struct init_request {
  template <class... Given>
  explicit init_request(item_id of, Given&&... args)
      : id(of), arguments(std::forward<Given>(args)...) {}

  friend bool operator==(const init_request&, const init_request&) = default;

  item_id id;
  std::tuple<Args...> arguments;
};
template <class... Args>
init_request(item_id, Args&&...) -> init_request<std::decay_t<Args>...>;

/// To destroy an item, on its thread.
struct remove_request {
  friend bool operator==(const remove_request&, const remove_request&) = default;

  item_id id;
};

/// The member functions that an item can be asked to run: its member type `requests`.
template <auto... F>
struct request_list {
  template <class Request>
  static constexpr bool contains = (... || std::is_same_v<Request, request<F>>);
  using any_request = std::variant<request<F>...>;
};

template <class Item>
using any_request = typename Item::requests::any_request;

namespace detail {

template <class Request>
struct answer;
template <auto F>
struct answer<request<F>> {
  using type = response<F>;
};
template <class... Args>
struct answer<init_request<Args...>> {
  using type = init_response;
};
template <>
struct answer<remove_request> {
  using type = remove_response;
};
template <class... Requests>
struct answer<std::variant<Requests...>> {
  using type = std::variant<typename answer<Requests>::type...>;
};

template <class Request, class Item>
inline constexpr bool is_request_to = false;
template <auto F, class Item>
inline constexpr bool is_request_to<request<F>, Item> =
    Item::requests::template contains<request<F>>;
template <class... Args, class Item>
inline constexpr bool is_request_to<init_request<Args...>, Item> =
    std::is_constructible_v<Item, Args&&...>;
template <class Item>
inline constexpr bool is_request_to<remove_request, Item> = true;
template <class... Requests, class Item>
inline constexpr bool
    is_request_to<std::variant<Requests...>, Item> = (... && is_request_to<Requests, Item>);

}  // namespace detail

/// One of those above, or a variant of some, answered by a variant of their responses.
template <class R, class Item>
concept request_to = detail::is_request_to<R, Item>;

template <class Request>
using response_to = typename detail::answer<Request>::type;

/// Whom it is for.
template <class Request>
[[nodiscard]] item_id id_of(const Request& r) noexcept {
  return r.id;
}
template <class... Requests>
[[nodiscard]] item_id id_of(const std::variant<Requests...>& r) noexcept {
  return std::visit([](const auto& each) { return each.id; }, r);
}

}  // namespace millrace
