// What publishers send, from its short form.
#include "configuration.hpp"

namespace millrace::interleaving {

std::vector<item> items(std::string_view text) {
  std::vector<item> all;
  bool fresh = true;
  for (const char c : text) {
    if (c == ' ') {
      fresh = true;
      continue;
    }
    if (fresh) {
      all.emplace_back();
      fresh = false;
    }
    if (c == '!') {
      all.back().aborted = true;
    } else if (c != '+') {
      all.back().spans.push_back(static_cast<std::uint8_t>(c - '0'));
    }
  }
  return all;
}

configuration numbered(configuration c) {
  unsigned n = 0;
  for (auto& sends : c.publishers) {
    for (item& i : sends) {
      i.first_message = static_cast<std::uint8_t>(n);
      n += static_cast<unsigned>(i.spans.size());
    }
  }
  return c;
}

}  // namespace millrace::interleaving
