// Peers that are no links: plain MessagePack, which is welcome, and everything else, which costs
// its own connection and nobody else's.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <millrace/link/tcp_link.hpp>

#include "link/peers.hpp"
#include "support/bytes.hpp"
#include "support/errors.hpp"
#include "support/printing.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;
using millrace::datagram;
using millrace::drop_reason;
using millrace::link_status;
using millrace::status;
using millrace::tcp_link;

namespace {

constexpr std::string_view five = "\xc4\x05hello"sv;

std::string received_text(tcp_link& link) {
  datagram d;
  REQUIRE(link.receive(d) == status::ok);
  return test::as_text(d.bytes);
}

/// Bytes that this process has asked the system for, touched or not.
std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::size_t>(::getpagesize());
}

/// A link in the company of bad peers, and a good one that must not notice.
struct scene {
  explicit scene(millrace::link_options options = {}) : link(with_record(options)) {}

  void good_peer_goes_on() {
    REQUIRE(good.send_acknowledged(link.address(), "good") == link_status::ok);
    CHECK(received_text(link) == "good");
  }

  test::drops dropped;
  tcp_link link;
  tcp_link good{{.address = ""}};

 private:
  millrace::link_options with_record(millrace::link_options options) {
    options.on_drop = dropped.recorder();
    return options;
  }
};

}  // namespace

TEST_CASE("a message on the wire is one bin") {
  const test::raw_listener listener;
  tcp_link here;
  for (const std::size_t size : {0u, 5u, 255u, 256u, 65'536u}) {
    const auto message = test::pattern(size, size);
    std::jthread sender([&] { CHECK(here.send(listener.address(), message) == link_status::ok); });
    static test::raw_peer peer = listener.accept();
    std::string head = size < 256      ? "\xc4"s + static_cast<char>(size)
                       : size < 65'536 ? "\xc5\x01\x00"s
                                       : "\xc6\x00\x01\x00\x00"s;
    CHECK(test::as_text(peer.read(head.size())) == head);
    CHECK(test::same(peer.read(size), message));
  }
}

TEST_CASE("bin and str of every form are messages, however they are cut") {
  tcp_link link;
  const test::raw_peer peer(link.address());
  const std::vector<std::string> frames{
      "\xc4\x05hello"s, "\xc5\x00\x05hello"s, "\xc6\x00\x00\x00\x05hello"s, "\xa5hello"s,
      "\xd9\x05hello"s, "\xda\x00\x05hello"s, "\xdb\x00\x00\x00\x05hello"s};
  std::string all;
  for (const auto& each : frames) {
    all += each;
  }
  REQUIRE(peer.write(all));
  for (const char each : all) {
    REQUIRE(peer.write(std::string_view(&each, 1)));
    std::this_thread::sleep_for(100us);
  }
  for (std::size_t i = 0; i < 2 * frames.size(); ++i) {
    CHECK(received_text(link) == "hello");
  }
  REQUIRE(peer.write("\xa0\xc4\x00"sv));
  CHECK(received_text(link).empty());
  CHECK(received_text(link).empty());
}

TEST_CASE("an acknowledgement on the wire is ext 2 with the latest number") {
  tcp_link link;
  const test::raw_peer peer(link.address());
  REQUIRE(peer.write("\xc7\x09\x01\0\0\0\0\0\0\0\x07x\xc7\x08\x01\0\0\0\0\0\0\0\x08"sv));
  CHECK(received_text(link) == "x");
  CHECK(received_text(link).empty());
  const std::string head = "\xd7\x02\0\0\0\0\0\0\0"s;
  std::string answer = test::as_text(peer.read(10));
  CHECK(answer.starts_with(head));
  if (answer.back() == '\x07') {  // the second came later
    answer = test::as_text(peer.read(10));
  }
  CHECK(answer == head + '\x08');
}

TEST_CASE("whatever is not a message ends its connection, and no other") {
  scene s({.max_message_size = 1000});
  struct bad {
    const char* name;
    std::string bytes;
    drop_reason reason;
  };
  const std::vector<bad> all{
      {"nil", "\xc0"s, drop_reason::not_a_message},
      {"never used", "\xc1"s, drop_reason::not_a_message},
      {"true", "\xc3"s, drop_reason::not_a_message},
      {"a number", "\x07"s, drop_reason::not_a_message},
      {"a negative number", "\xff"s, drop_reason::not_a_message},
      {"a long number", "\xcf\0\0\0\0\0\0\0\0"s, drop_reason::not_a_message},
      {"a float", "\xcb\0\0\0\0\0\0\0\0"s, drop_reason::not_a_message},
      {"an array", "\x91\xc4\x01x"s, drop_reason::not_a_message},
      {"an array of four billions", "\xdd\xff\xff\xff\xff"s, drop_reason::not_a_message},
      {"a map", "\x80"s, drop_reason::not_a_message},
      {"an unknown ext", "\xd4\x03x"s, drop_reason::not_a_message},
      {"a timestamp", "\xd6\xff\0\0\0\0"s, drop_reason::not_a_message},
      {"a request without a number", "\xc7\x07\x01\0\0\0\0\0\0\0"s, drop_reason::not_a_message},
      {"half an acknowledgement", "\xd6\x02\0\0\0\0"s, drop_reason::not_a_message},
      {"too long an acknowledgement", "\xd8\x02"s + std::string(16, '\0'),
       drop_reason::not_a_message},
      {"an acknowledgement of nothing", "\xd7\x02\0\0\0\0\0\0\0\x01"s, drop_reason::not_a_message},
      {"a web browser", "GET / HTTP/1.1\r\n\r\n"s, drop_reason::not_a_message},
      {"one byte too many", "\xc5\x03\xe9"s, drop_reason::too_large},
      {"four gigabytes of str", "\xdb\xff\xff\xff\xff"s, drop_reason::too_large},
      {"four gigabytes of bin", "\xc6\xff\xff\xff\xff"s, drop_reason::too_large},
      {"four gigabytes of request", "\xc9\xff\xff\xff\xff\x01"s, drop_reason::too_large},
  };
  for (const auto& each : all) {
    INFO(each.name);
    const auto before = s.dropped.count(each.reason);
    const test::raw_peer peer(s.link.address());
    REQUIRE(peer.write(std::string(five) + each.bytes));
    CHECK(received_text(s.link) == "hello");  // what came before is a message still
    peer.wait_for_end();
    s.dropped.wait_for(each.reason, before + 1);
  }
  s.good_peer_goes_on();
  CHECK(s.dropped.count(drop_reason::not_a_message) + s.dropped.count(drop_reason::too_large) ==
        all.size());
}

TEST_CASE("random bytes end in messages or in a dropped connection") {
  scene s({.patience = 100ms, .on_drop = {}});
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    test::raw_peer peer(s.link.address());
    (void)peer.write(test::pattern(2000, seed));
    if (seed % 2 == 0) {
      peer.reset();
    }
  }
  datagram d;
  while (s.link.receive_for(d, 30ms) == status::ok) {
  }
  s.good_peer_goes_on();
}

TEST_CASE("a message that is begun and not gone on with ends its connection") {
  scene s({.patience = 80ms});
  const test::raw_peer within_head(s.link.address());
  const test::raw_peer within_body(s.link.address());
  const test::raw_peer byte_by_byte(s.link.address());
  const test::raw_peer silent(s.link.address());
  REQUIRE(within_head.write("\xc5\x00"sv));
  REQUIRE(within_body.write("\xc4\x05hel"sv));
  REQUIRE(byte_by_byte.write("\xc4\xff"sv));
  while (byte_by_byte.write("x"sv)) {
    std::this_thread::sleep_for(2ms);
  }
  within_head.wait_for_end();
  within_body.wait_for_end();
  s.dropped.wait_for(drop_reason::too_slow, 3);
  s.good_peer_goes_on();
  REQUIRE(silent.write(five));  // being silent between messages is no offence
  CHECK(received_text(s.link) == "hello");
}

TEST_CASE("a peer that vanishes in the middle of a message is dropped") {
  scene s;
  test::raw_peer gone(s.link.address());
  test::raw_peer ended(s.link.address());
  REQUIRE(gone.write("\xc4\x05hel"sv));
  REQUIRE(ended.write(five));
  CHECK(received_text(s.link) == "hello");
  gone.reset();
  s.dropped.wait_for(drop_reason::reset);
  { const auto end = std::move(ended); }
  s.dropped.wait_for(drop_reason::closed_by_peer);
  s.good_peer_goes_on();
}

TEST_CASE("memory for unfinished messages is bounded, and small ones go on") {
  constexpr std::size_t mib = 1 << 20;
  scene s({.max_message_size = 4 * mib, .memory_limit = 16 * mib});
  const test::raw_peer modest(s.link.address());
  REQUIRE(modest.write("\xc4\x05hel"sv));
  std::vector<test::raw_peer> greedy;
  const std::string head("\xc6\x00\x40\x00\x00", 5);
  const std::string most(3 * mib, 'x');
  for (int i = 0; i < 20; ++i) {  // 60 MiB, of which 8 have room
    greedy.emplace_back(s.link.address());
    (void)greedy.back().write(head);
    (void)greedy.back().write(most);
  }
  s.dropped.wait_for(drop_reason::too_much_memory, 15);
  s.good_peer_goes_on();
  REQUIRE(modest.write("lo"sv));
  CHECK(received_text(s.link) == "hello");
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(used.ru_maxrss < 100 * 1024);  // KiB
#endif
}

TEST_CASE("memory for unfinished messages is bounded, though all grow alike behind larger ones") {
  constexpr std::size_t mib = 1 << 20;
  scene s({.max_message_size = 4 * mib, .memory_limit = 16 * mib});
  std::vector<test::raw_peer> peers;
  const std::string head("\xc6\x00\x40\x00\x00", 5);
  const std::string most(4 * mib - 1, 'x');
  for (int i = 0; i < 42; ++i) {
    peers.emplace_back(s.link.address());
    (void)peers.back().write(head);
    if (i < 2) {
      (void)peers.back().write(most);
    }
  }
  std::this_thread::sleep_for(20ms);
  const std::string step(16 * 1024, 'x');
  for (std::size_t size = 0; size < 3 * mib; size += step.size()) {
    for (std::size_t i = 2; i < peers.size(); ++i) {
      (void)peers[i].write(step);
    }
  }
  s.dropped.wait_for(drop_reason::too_much_memory, 39);  // of 128 MiB, 8 have room
  s.good_peer_goes_on();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/// The heap keeps no large pieces that were freed, of which it could serve a message later; and no
/// thread that begins to allocate takes address space for a moment only, just when that is
/// measured.
[[maybe_unused]] const bool heap_is_simple =
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1 && ::mallopt(M_ARENA_MAX, 1) == 1;

TEST_CASE("a message for which the system has no memory costs its own connection") {
  scene s;
  const test::raw_peer large(s.link.address());
  const std::string body(40 << 20, 'x');
  s.good_peer_goes_on();
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  rlimit little = before;
  little.rlim_cur = address_space() + (32 << 20);
  ::setrlimit(RLIMIT_AS, &little);
  (void)large.write("\xc6\x02\x80\x00\x00"sv);
  (void)large.write(body);
  s.dropped.wait_for(drop_reason::too_much_memory);
  ::setrlimit(RLIMIT_AS, &before);
  s.good_peer_goes_on();
}
#endif

TEST_CASE("a length is not believed before its bytes are there") {
  scene s;  // 64 MiB at most
  [[maybe_unused]] const std::size_t before = address_space();
  std::vector<test::raw_peer> liars;
  const std::string head("\xc6\x03\xff\xff\xff", 5);
  for (int i = 0; i < 100; ++i) {  // 6.4 GB
    liars.emplace_back(s.link.address());
    REQUIRE(liars.back().write(head));
    REQUIRE(liars.back().write("x"sv));
  }
  s.good_peer_goes_on();
  for (const auto& each : liars) {
    REQUIRE(each.write("some more"sv));
  }
  s.good_peer_goes_on();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(address_space() < before + (std::size_t{1} << 30));
#endif
}

TEST_CASE("thousands of idle connections are no matter to the others") {
  test::allow(200);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  // Both ends are in this process, which needs some for itself.
  const auto count = std::min<std::size_t>(10'000, (limit.rlim_cur - 100) / 2);
  scene s;
  std::vector<test::raw_peer> idle;
  for (std::size_t i = 0; i < count; ++i) {
    idle.emplace_back(s.link.address());
    if (i % 1000 == 0) {
      s.good_peer_goes_on();
    }
  }
  for (std::size_t i = 0; i < count; i += count / 10) {
    REQUIRE(idle[i].write(five));
    CHECK(received_text(s.link) == "hello");
  }
  s.good_peer_goes_on();
  idle.clear();
  s.dropped.wait_for(drop_reason::closed_by_peer, count);
  s.good_peer_goes_on();
}

TEST_CASE("without descriptors left a link accepts again when there are some") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  scene s;
  s.good_peer_goes_on();
  std::vector<test::raw_peer> some;
  for (int i = 0; i < 20; ++i) {
    some.emplace_back(s.link.address());
    REQUIRE(some.back().write(five));
    CHECK(received_text(s.link) == "hello");
  }
  const int next = ::socket(AF_INET, SOCK_STREAM, 0);
  ::close(next);
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(next) + 1;
  ::setrlimit(RLIMIT_NOFILE, &few);
  CHECK_ERROR(millrace::errc::system, tcp_link());
  const test::raw_peer waiting(s.link.address());  // has the last one
  REQUIRE(waiting.write(five));
  s.good_peer_goes_on();
  datagram d;
  CHECK(s.link.receive_for(d, 30ms) == status::timeout);
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(received_text(s.link) == "hello");
}
