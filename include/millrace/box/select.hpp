// select: waiting at several boxes at once. The first that has a message wins; if more than one
// has, they take turns.
//
//   auto both = millrace::select(orders, complaints);
//   while (auto m = both.receive()) std::visit(desk, *m);
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <tuple>
#include <utility>
#include <variant>

#include <millrace/box/message_box.hpp>
#include <millrace/detail/nothing.hpp>

namespace millrace {

/// Of different boxes. Thread-safety: as the receiver of each of them, which must outlive it.
template <class... Boxes>
class selector {
  static constexpr std::size_t count = sizeof...(Boxes);

 public:
  /// Its index says which box the message is from.
  using message = std::variant<typename Boxes::value_type...>;

  explicit selector(Boxes&... boxes) noexcept : boxes_(boxes...) {}

  /// Waits for a message. Nothing: all boxes were closed or lost their inputs, and are empty; or a
  /// stop was asked for.
  [[nodiscard]] std::optional<message> receive(const std::stop_token& stop = {}) {
    return receive_until(detail::never, stop);
  }
  /// Waits no longer than so.
  [[nodiscard]] std::optional<message> receive_after(std::chrono::nanoseconds time,
                                                     const std::stop_token& stop = {}) {
    return receive_until(detail::deadline_after(time), stop);
  }
  [[nodiscard]] std::optional<message> try_receive() {
    auto m = detail::nothing<message>();
    (void)attempt(m);
    return m;
  }

 private:
  using indices = std::index_sequence_for<Boxes...>;

  [[nodiscard]] std::optional<message> receive_until(detail::steady_time deadline,
                                                     const std::stop_token& stop) {
    auto m = detail::nothing<message>();
    const auto announce = [this](detail::parker& bed) { return announcement(*this, bed); };
    (void)detail::await([&] { return attempt(m); }, announce, deadline, stop);
    return m;
  }

  /// Each box in turn, beginning behind the one that had a message last.
  status attempt(std::optional<message>& to) {
    status all = status::closed;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t which = (first_ + i) % count;
      switch (attempt_at(which, to, indices())) {
      case status::ok:
        first_ = which + 1;
        return status::ok;
      case status::empty:
        all = status::empty;
        break;
      default:
        break;
      }
    }
    return all;
  }
  template <std::size_t... I>
  status attempt_at(std::size_t which, std::optional<message>& to, std::index_sequence<I...>) {
    status s = status::empty;
    (void)((which == I && (s = attempt_one<I>(to), true)) || ...);
    return s;
  }
  template <std::size_t I>
  status attempt_one(std::optional<message>& to) {
    auto m = detail::nothing<std::variant_alternative_t<I, message>>();
    const status s = std::get<I>(boxes_).meeting_->try_receive(m);
    if (m) {
      to.emplace(std::in_place_index<I>, std::move(*m));
    }
    return s;
  }

  /// At every box.
  class announcement {
   public:
    announcement(selector& s, detail::parker& bed) : announcement(s, bed, indices()) {}
    [[nodiscard]] bool woken() const noexcept {
      return std::apply([](const auto&... at) { return (at.woken() || ...); }, at_);
    }

   private:
    template <class Box>
    struct at_box : Box::meeting::announcement {
      at_box(std::pair<Box*, detail::parker*> where)
          : Box::meeting::announcement(*where.first->meeting_, *where.second) {}
    };
    template <std::size_t... I>
    announcement(selector& s, detail::parker& bed, std::index_sequence<I...>)
        : at_(std::pair(&std::get<I>(s.boxes_), &bed)...) {}

    std::tuple<at_box<Boxes>...> at_;
  };

  std::tuple<Boxes&...> boxes_;
  std::size_t first_ = 0;
};

template <class... Boxes>
[[nodiscard]] selector<Boxes...> select(Boxes&... boxes) {
  return selector<Boxes...>(boxes...);
}

}  // namespace millrace
