// What a request to a process pool allocates.
#include "pool/pools.hpp"
#include "support/allocations.hpp"

using millrace::pending_reply;
using millrace::status;

TEST_CASE("process pool: a request allocates nothing, short or long") {
  const test::scratch directory;
  millrace::process_pool pool(test::pool_options(directory));
  const std::string long_text(10'000, 'l');
  pending_reply first;
  pending_reply second;
  bool ok = true;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      ok = pool.send(1, "short", first) == status::ok && ok;
      ok = pool.send(1, std::string_view(long_text), second) == status::ok && ok;
      ok = second.wait() == status::ok && second.text() == long_text && ok;
      ok = first.wait() == status::ok && first.text() == "short" && ok;
      first.reset();
    }
  };
  rounds(10);
  CHECK(test::allocated_by([&] { rounds(1000); }) == 0);
  CHECK(ok);
}
