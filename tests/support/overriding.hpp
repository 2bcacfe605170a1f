// A handler that does as another one, but for what a function given to it takes.
#pragma once

#include <concepts>
#include <utility>

namespace test {

template <class Handler, class Function>
class overriding {
 public:
  explicit overriding(Function f) : instead_(std::move(f)) {}

  template <class... Parts>
  auto operator()(Parts&&... parts) {
    if constexpr (std::invocable<Function&, Parts...>) {
      return instead_(std::forward<Parts>(parts)...);
    } else {
      return handler_(std::forward<Parts>(parts)...);
    }
  }

 private:
  Handler handler_;
  Function instead_;
};

}  // namespace test
