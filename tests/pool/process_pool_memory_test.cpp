// What a request to a process pool allocates.
#include <vector>

#include "pool/pools.hpp"
#include "support/allocations.hpp"

using millrace::pending_reply;
using millrace::reply_outcome;
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

TEST_CASE("process pool: nor does one pending_reply for the workers in turn") {
  const test::scratch directory;
  millrace::process_pool pool(test::pool_options(directory, 2));
  pending_reply reply;
  bool ok = true;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      ok = pool.send(i, "text", reply) == status::ok && reply.wait() == status::ok && ok;
    }
  };
  rounds(10);
  CHECK(test::allocated_by([&] { rounds(1000); }) == 0);
  CHECK(ok);
}

TEST_CASE("process pool: a reply that there is no memory for is reported, and the next arrive") {
  const test::scratch directory;
  millrace::process_pool pool(test::pool_options(directory));
  std::vector<pending_reply> replies;  // each with memory of its own
  do {                                 // as the pool itself may have taken it in first
    REQUIRE(pool.send(1, "send 10000", replies.emplace_back()) == status::ok);
    test::refuse_an_allocation();
    const status waited = replies.back().wait();
    test::refuse_an_allocation(-1);
    REQUIRE(waited == status::ok);
  } while (replies.back().outcome() == reply_outcome::answered);
  CHECK(replies.back().outcome() == reply_outcome::died);
  CHECK(replies.back().bytes().empty());
  CHECK(test::ask(pool, 1, "next").text == "next");
  CHECK(pool.drain() == status::ok);
}
