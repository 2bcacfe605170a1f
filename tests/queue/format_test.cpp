// Files of other formats, and damaged ones: refused with the reason, or survived.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "queue/layout.hpp"
#include "support/bytes.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

namespace fs = std::filesystem;
using millrace::errc;
using millrace::publisher;
using millrace::status;
using millrace::subscriber;
using millrace::detail::identity;

namespace {

/// A queue that nobody uses, and its file to be damaged.
struct victim {
  victim() {
    publisher p("q", directory.options(64 * 64, 64));
    for (int i = 0; i < 10; ++i) {
      REQUIRE(p.try_enqueue(test::pattern(static_cast<std::size_t>(i) * 20)) == status::ok);
    }
    path = millrace::stat("q", directory.path()).path;
    std::ifstream file(path, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(file), {});
  }

  void write(std::string_view content) const {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file << content;
  }

  /// The file as it was made, but for these bytes.
  template <class T>
  void overwrite(std::size_t offset, const T& value) const {
    std::string changed = whole;
    REQUIRE(offset + sizeof value <= changed.size());
    std::memcpy(changed.data() + offset, &value, sizeof value);
    write(changed);
  }

  [[nodiscard]] test::caught opening() const {
    return test::error_of([&] { publisher("q", directory.options()); });
  }

  test::scratch directory;
  fs::path path;
  std::string whole;
};

}  // namespace

TEST_CASE("a queue of another format version is refused, and can be removed") {
  const victim v;
  for (const std::uint32_t version : {0u, identity::current_version + 1, ~0u}) {
    v.overwrite(offsetof(identity, version), version);
    const auto problem = v.opening();
    REQUIRE(problem.code);
    CHECK(*problem.code == errc::version_mismatch);
    INFO("said: ", problem.text);
    CHECK(problem.says(std::to_string(version)));
    CHECK(problem.says(std::to_string(identity::current_version)));
    CHECK_ERROR(errc::version_mismatch, subscriber("q", v.directory.options()));
    CHECK_ERROR(errc::version_mismatch, millrace::stat("q", v.directory.path()));
    CHECK_ERROR(errc::version_mismatch, millrace::peek("q", 1, v.directory.path()));
  }
  CHECK(millrace::remove("q", v.directory.path()));
  CHECK(v.directory.entries().empty());
}

TEST_CASE("a queue of a build with another layout is refused, and can be removed") {
  const victim v;
  const std::uint64_t other = millrace::detail::layout_fingerprint() ^ 1;
  v.overwrite(offsetof(identity, fingerprint), other);
  const auto problem = v.opening();
  REQUIRE(problem.code);
  CHECK(*problem.code == errc::layout_mismatch);
  CHECK_MESSAGE(problem.says("expected"), problem.text);
  CHECK_MESSAGE(problem.says("found"), problem.text);
  CHECK(millrace::remove("q", v.directory.path()));
  CHECK(v.directory.entries().empty());
}

TEST_CASE("no byte of what a queue says it is can change unnoticed") {
  const victim v;
  for (std::size_t at = 0; at < sizeof(identity); ++at) {
    for (const int bit : {0, 3, 7}) {
      CAPTURE(at);
      CAPTURE(bit);
      v.overwrite(at, static_cast<char>(v.whole[at] ^ (1 << bit)));
      const auto problem = v.opening();
      REQUIRE(problem.code);
      const bool named = *problem.code == errc::not_a_queue ||
                         *problem.code == errc::version_mismatch ||
                         *problem.code == errc::layout_mismatch || *problem.code == errc::corrupted;
      CHECK_MESSAGE(named, problem.text);
    }
  }
  v.write(v.whole);
  subscriber s("q", v.directory.options());
  CHECK(s.try_dequeue());
}

TEST_CASE("whatever is written over a queue's memory, using it ends in answers or in corrupted") {
  std::mt19937_64 random(11);
  const std::size_t after_identity = sizeof(identity);
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    const victim v;
    std::string damaged = v.whole;
    for (auto count = 1 + random() % 40; count > 0; --count) {
      // Mostly the words and shapes of the slots, the rest anywhere.
      const std::size_t at =
          random() % 4 != 0 ? millrace::detail::slots_offset + random() % 64 * 64 + random() % 16
                            : after_identity + random() % (damaged.size() - after_identity);
      damaged[at] = random() % 2 == 0 ? static_cast<char>(random())
                                      : static_cast<char>(damaged[at] ^ (1 << (random() % 8)));
    }
    v.write(damaged);
    const auto survive = [&](auto&& action) {
      const auto problem = test::error_of(action);
      if (problem.code) {
        const bool named = *problem.code == errc::corrupted || *problem.code == errc::not_found;
        CHECK_MESSAGE(named, problem.text);
      }
    };
    survive([&] { (void)millrace::stat("q", v.directory.path()); });
    survive([&] { (void)millrace::peek("q", 100, v.directory.path()); });
    survive([&] {
      publisher p("q", v.directory.options());
      subscriber s("q", v.directory.options());
      survive([&] {
        for (int i = 0; i < 100; ++i) {
          if (p.try_enqueue(test::pattern(static_cast<std::size_t>(i) * 7)) != status::ok) {
            break;
          }
        }
      });
      survive([&] {
        for (int i = 0; i < 300; ++i) {
          if (auto m = s.try_dequeue()) {
            CHECK(m->bytes().size() <= s.max_message_size() * 2);
            (void)std::count(m->bytes().begin(), m->bytes().end(), std::byte{1});
            if (i % 5 == 0) {
              m->requeue();
            }
          }
        }
      });
      survive([&] { (void)s.dequeue_for(std::chrono::milliseconds(1)); });
      survive([&] { (void)p.enqueue_for(test::pattern(500), std::chrono::milliseconds(1)); });
    });
    survive([&] { (void)millrace::remove("q", v.directory.path()); });
  }
}
