// Subjects of NATS: words with dots between them, where * stands for one word and > for all the
// rest of them.
#pragma once

#include <string_view>

namespace millrace::detail {

/// Whether `filter` matches everything that `subject`, which may have wildcards too, matches.
[[nodiscard]] constexpr bool takes(std::string_view filter, std::string_view subject) noexcept {
  constexpr auto first_word = [](std::string_view& text) {
    const std::size_t dot = text.find('.');
    const std::string_view word = text.substr(0, dot);
    text = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
    return word;
  };
  while (!filter.empty() && !subject.empty()) {
    const std::string_view wanted = first_word(filter);
    const std::string_view word = first_word(subject);
    if (wanted == ">") {
      return true;
    }
    if (word == ">" || (wanted != "*" && wanted != word)) {
      return false;
    }
  }
  return filter.empty() && subject.empty();
}
static_assert(takes("a.>", "a.b.c") && takes("a.*.c", "a.b.c") && takes("a.>", "a.*"));
static_assert(takes("a.b", "a.b") && takes(">", ">") && takes("a.>", "a.>"));
static_assert(!takes("a.>", "a") && !takes("a.*", "a.b.c") && !takes("a.*", "a.>"));
static_assert(!takes("a.b", "a.*") && !takes("a", "b") && !takes("a.b.c", "a.b"));

[[nodiscard]] constexpr bool has_wildcard(std::string_view subject) noexcept {
  return subject.find_first_of("*>") != std::string_view::npos;
}

}  // namespace millrace::detail
