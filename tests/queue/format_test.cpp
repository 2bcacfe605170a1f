// Files of other formats: refused with the reason. Damaged ones are in tests/fault.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
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
