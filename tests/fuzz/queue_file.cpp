// Fresh queues as bytes, and files made of bytes.
#include "fuzz/queue_file.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>

#include "queue/layout.hpp"
#include "support/own_mounts.hpp"
#include "support/scratch.hpp"

namespace fuzz {

namespace {

/// Where the queue is. Its end takes away the semaphores of all the fresh queues.
struct place_to_be {
  place_to_be() = default;
  place_to_be(const place_to_be&) = delete;
  place_to_be& operator=(const place_to_be&) = delete;
  ~place_to_be() {
    for (const auto& [kind, content] : fresh) {
      place(content);
      survive([] { millrace::remove("q", options().directory); });
    }
  }

  test::scratch directory{};
  std::map<std::array<int, 4>, std::string> fresh;
};

place_to_be& here() {
  [[maybe_unused]] static const bool before = (test::take_own_shared_memory(), true);
  static place_to_be one;
  return one;
}

}  // namespace

millrace::queue_options options() {
  auto result = here().directory.options();
  result.patience = std::chrono::nanoseconds(0);
  result.spin = std::chrono::nanoseconds(0);
  return result;
}

const std::string& fresh(millrace::lifetime life, millrace::delivery guarantee,
                         millrace::role publishers, millrace::role subscribers) {
  std::string& content =
      here().fresh[{static_cast<int>(life), static_cast<int>(guarantee),
                    static_cast<int>(publishers), static_cast<int>(subscribers)}];
  if (content.empty()) {
    auto wanted = options();
    wanted.capacity = slots * block_size;
    wanted.block_size = block_size;
    wanted.life = life;
    wanted.guarantee = guarantee;
    wanted.publishers = publishers;
    wanted.subscribers = subscribers;
    clear();
    millrace::publisher maker("q", wanted);
    std::ifstream file(wanted.directory / "q", std::ios::binary);
    content.assign(std::istreambuf_iterator<char>(file), {});
    // As if nobody had ever been here.
    content[offsetof(millrace::detail::header, joined)] = 0;
    std::fill_n(content.begin() + millrace::detail::participants_offset,
                sizeof(millrace::detail::participant_record), '\0');
  }
  return content;
}

void place(std::string_view content) {
  clear();
  std::ofstream(here().directory.path() / "q", std::ios::binary) << content;
}

void clear() {
  std::filesystem::remove(here().directory.path() / "q");
}

void read(std::span<const std::byte> bytes) {
  volatile unsigned sum = 0;
  for (const std::byte b : bytes) {
    sum = sum + static_cast<unsigned>(b);
  }
}

}  // namespace fuzz
