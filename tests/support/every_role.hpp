// Running a test on queues with every mix of roles.
#pragma once

#include <string>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/scratch.hpp"

namespace test {

/// Calls `body` with a publisher and a subscriber of a fresh queue, once for each mix.
template <class Body>
void for_every_role(std::size_t capacity, std::size_t block_size, Body body) {
  using millrace::role;
  for (const role publishers : {role::shared, role::exclusive}) {
    for (const role subscribers : {role::shared, role::exclusive}) {
      INFO("publisher ", std::string(publishers == role::shared ? "shared" : "exclusive"));
      INFO("subscriber ", std::string(subscribers == role::shared ? "shared" : "exclusive"));
      const scratch directory;
      auto options = directory.options(capacity, block_size);
      options.publishers = publishers;
      options.subscribers = subscribers;
      millrace::publisher p("q", options);
      millrace::subscriber s("q", options);
      body(p, s);
    }
  }
}

}  // namespace test
