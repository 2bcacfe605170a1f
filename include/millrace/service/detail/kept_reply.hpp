// A reply_box of whatever type, kept by a client until the bytes of its reply come.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <millrace/box/reply.hpp>
#include <millrace/service/codec.hpp>
#include <millrace/service/detail/frame.hpp>

namespace millrace::detail {

/// Movable; may be empty. Dropped with a box in it, it ends the call as `closed`.
class kept_reply {
 public:
  kept_reply() noexcept = default;
  template <class R>
  explicit kept_reply(reply_box<R>&& box) noexcept : type_(&type_of<R>) {
    static_assert(sizeof box == sizeof place_ && alignof(reply_box<R>) == alignof(void*));
    std::construct_at(at<R>(), std::move(box));
  }
  kept_reply(kept_reply&& other) noexcept { take_from(other); }
  kept_reply& operator=(kept_reply&& other) noexcept {
    if (this != &other) {
      reset();
      take_from(other);
    }
    return *this;
  }
  ~kept_reply() { reset(); }

  explicit operator bool() const noexcept { return type_ != nullptr; }

  /// Ends the call; empty afterwards.
  void end(reply_kind kind, std::span<const std::byte> rest) {
    type_->end(*this, kind, rest);
    reset();
  }
  /// Gives the box back. REQUIRES: it was one of R.
  template <class R>
  [[nodiscard]] reply_box<R> take() noexcept {
    reply_box<R> box(std::move(*at<R>()));
    reset();
    return box;
  }

 private:
  template <class R>
  [[nodiscard]] reply_box<R>* at() noexcept {
    return reinterpret_cast<reply_box<R>*>(place_);
  }
  template <class R>
  static void settle(reply_box<R>& box, reply_kind kind, std::span<const std::byte> rest) {
    if (kind == reply_kind::failed) {
      const auto* const text = reinterpret_cast<const char*>(rest.data());
      static_cast<void>(fail(box, std::string(text, rest.size())));
    } else if (kind == reply_kind::replied) {
      try {
        value_or_nothing<R> value{};
        if (std::is_void_v<R> ? rest.empty() : decode(rest, value)) {
          static_cast<void>(reply_to(box, std::move(value)));
        } else {
          static_cast<void>(fail(box, "the reply is malformed"));
        }
      } catch (const std::exception& problem) {  // the value's; it concerns this call alone
        static_cast<void>(fail(box, problem.what()));
      }
    }  // else the box is dropped unused
  }

  struct type {
    void (*move)(kept_reply& from, kept_reply& to) noexcept;
    void (*destroy)(kept_reply& self) noexcept;
    void (*end)(kept_reply& self, reply_kind kind, std::span<const std::byte> rest);
  };
  template <class R>
  static const type type_of;

  void take_from(kept_reply& other) noexcept {
    if (other.type_ != nullptr) {
      type_ = other.type_;
      type_->move(other, *this);
      other.reset();
    }
  }
  void reset() noexcept {
    if (type_ != nullptr) {
      std::exchange(type_, nullptr)->destroy(*this);
    }
  }

  const type* type_ = nullptr;
  alignas(void*) std::byte place_[sizeof(void*)];
};

template <class R>
inline constexpr kept_reply::type kept_reply::type_of = {
    [](kept_reply& from, kept_reply& to) noexcept {
      std::construct_at(to.at<R>(), std::move(*from.at<R>()));
    },
    [](kept_reply& self) noexcept { std::destroy_at(self.at<R>()); },
    [](kept_reply& self, reply_kind kind, std::span<const std::byte> rest) {
      settle(*self.at<R>(), kind, rest);
    }};

}  // namespace millrace::detail
