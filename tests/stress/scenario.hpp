// How a stress test is set up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <millrace/millrace.hpp>

#include "stress/ledger.hpp"
#include "support/scratch.hpp"

namespace stress {

struct scenario {
  std::uint32_t publishers;
  std::uint32_t subscribers;
  std::size_t capacity;
  std::size_t block_size;
  std::uint32_t count;  // messages a publisher, at most

  [[nodiscard]] std::string text() const {
    return std::to_string(publishers) + " publishers, " + std::to_string(subscribers) +
           " subscribers, " + std::to_string(capacity) + " bytes in blocks of " +
           std::to_string(block_size);
  }
};

/// A queue made for a scenario, with the ledger beside it. Roles are exclusive where the scenario
/// has one of a kind and `exclusive` is set.
struct arena {
  arena(const scenario& s, bool exclusive,
        millrace::delivery guarantee = millrace::delivery::at_least_once)
      : options(directory.options(s.capacity, s.block_size)),
        ledger_path(directory.path() / "ledger"), book(ledger_path, s.publishers, s.count) {
    using millrace::role;
    options.publishers = exclusive && s.publishers == 1 ? role::exclusive : role::shared;
    options.subscribers = exclusive && s.subscribers == 1 ? role::exclusive : role::shared;
    options.guarantee = guarantee;
    options.open = millrace::opening::create_only;
    most = millrace::publisher("q", options).max_message_size();
    options.open = millrace::opening::open_only;
  }

  test::scratch directory;
  millrace::queue_options options;
  std::filesystem::path ledger_path;
  ledger book;
  std::size_t most;
};

/// From one of each up to eight of each, on the smallest rings and others.
inline std::vector<scenario> scenarios(std::uint32_t count) {
  std::vector<scenario> all;
  for (const auto& [publishers, subscribers] :
       {std::pair{1u, 1u}, std::pair{1u, 4u}, std::pair{4u, 1u}, std::pair{2u, 2u},
        std::pair{3u, 5u}, std::pair{8u, 8u}}) {
    for (const auto& [capacity, block] : {std::pair{std::size_t{64 * 64}, std::size_t{64}},
                                          std::pair{std::size_t{64 * 1024}, std::size_t{1024}},
                                          std::pair{std::size_t{1024 * 256}, std::size_t{256}}}) {
      all.push_back({publishers, subscribers, capacity, block, count});
    }
  }
  return all;
}

}  // namespace stress
