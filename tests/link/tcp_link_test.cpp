// Links, sentence by sentence: what is sent arrives, and who is not told so is told why.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <millrace/link/tcp_link.hpp>

#include "link/peers.hpp"
#include "support/bytes.hpp"
#include "support/errors.hpp"
#include "support/printing.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using millrace::datagram;
using millrace::drop_reason;
using millrace::link_status;
using millrace::status;
using millrace::tcp_link;

TEST_CASE("what is sent to a link's address is received there, with whence it came") {
  tcp_link here;
  tcp_link there;
  CHECK(here.send(there.address(), "a word") == link_status::ok);
  datagram d;
  REQUIRE(there.receive(d) == status::ok);
  CHECK(test::as_text(d.bytes) == "a word");
  CHECK(d.to == there.address());
  CHECK(d.from.starts_with("127.0.0.1:"));
  CHECK(d.from != here.address());
  CHECK(there.try_receive(d) == status::empty);

  // An answer goes back over the same connection, so `here` need not listen.
  CHECK(there.send(d.from, "an answer") == link_status::ok);
  datagram answer;
  REQUIRE(here.receive(answer) == status::ok);
  CHECK(test::as_text(answer.bytes) == "an answer");
  CHECK(answer.from == there.address());
  CHECK(answer.to == d.from);
}

TEST_CASE("messages of every size arrive as they were") {
  tcp_link here;
  tcp_link there;
  for (const std::size_t size : {0u, 1u, 11u, 255u, 256u, 65'535u, 65'536u, 262'144u, 5'000'000u}) {
    INFO("size ", size);
    const auto sent = test::pattern(size, size);
    datagram d;
    CHECK(here.send(there.address(), sent) == link_status::ok);
    REQUIRE(there.receive(d) == status::ok);
    CHECK(test::same(d.bytes, sent));
    std::jthread sender(
        [&] { CHECK(here.send_acknowledged(there.address(), sent) == link_status::ok); });
    REQUIRE(there.receive(d) == status::ok);
    CHECK(test::same(d.bytes, sent));
  }
}

TEST_CASE("what was acknowledged is in the peer's queue") {
  tcp_link here;
  tcp_link there;
  for (std::uint32_t i = 0; i < 200; ++i) {
    REQUIRE(here.send_acknowledged(there.address(), test::numbered(i)) == link_status::ok);
    datagram d;
    REQUIRE(there.try_receive(d) == status::ok);
    REQUIRE(test::number_of(d.bytes) == i);
  }
}

TEST_CASE("links talk over IPv6 and by name, and listen on loopback unless told otherwise") {
  CHECK(tcp_link().address().starts_with("127.0.0.1:"));
  CHECK(tcp_link({.address = ""}).address().empty());
  tcp_link there({.address = "[::1]:0"});
  CHECK(there.address().starts_with("[::1]:"));
  CHECK(test::port_of(there.address()) != 0);
  tcp_link here({.address = ""});
  CHECK(here.send_acknowledged(there.address(), "six") == link_status::ok);
  datagram d;
  REQUIRE(there.try_receive(d) == status::ok);
  CHECK(d.from.starts_with("[::1]:"));

  tcp_link four;
  const auto name = "localhost:" + std::to_string(test::port_of(four.address()));
  CHECK(here.send_acknowledged(name, "by name") == link_status::ok);
  REQUIRE(four.try_receive(d) == status::ok);

  // Answers go back and forth over that one connection, though its address has two spellings.
  const std::string first = d.from;
  REQUIRE(four.send_acknowledged(d.from, "an answer") == link_status::ok);
  REQUIRE(here.try_receive(d) == status::ok);
  REQUIRE(here.send_acknowledged(d.from, "another one") == link_status::ok);
  REQUIRE(four.try_receive(d) == status::ok);
  CHECK(d.from == first);
}

TEST_CASE("a link that cannot listen says why") {
  CHECK_ERROR(millrace::errc::invalid_option, tcp_link({.address = "nowhere"}));
  CHECK_ERROR(millrace::errc::invalid_option, tcp_link({.address = "::1:70"}));
  CHECK_ERROR(millrace::errc::invalid_option, tcp_link({.address = "127.0.0.1:70000"}));
  CHECK_ERROR(millrace::errc::invalid_option, tcp_link({.timeout = 0s}));
  CHECK_ERROR(millrace::errc::invalid_option, tcp_link({.pool_size = 0}));
  const tcp_link first;
  const auto caught = test::error_of([&] { tcp_link({.address = first.address()}); });
  CHECK(caught.code == millrace::errc::system);
  CHECK(caught.says(first.address()));
}

TEST_CASE("a sender hears what became of its message") {
  tcp_link here({.max_message_size = 20'000'000});
  tcp_link hasty({.timeout = 1s, .max_message_size = 20'000'000});
  const auto much = test::pattern(16'000'000);

  SUBCASE("nobody listens there") {
    CHECK(here.send(test::nobody(), "x") == link_status::refused);
    CHECK(here.send_acknowledged(test::nobody(), "x") == link_status::refused);
  }
  SUBCASE("it is no address, or a name that nobody knows") {
    for (const auto* wrong : {"", "nowhere", ":1", "127.0.0.1:", "127.0.0.1:x", "[::1:7",
                              "127.0.0.1:65536", "no-such-host.invalid:7"}) {
      INFO(wrong);
      CHECK(here.send(wrong, "x") == link_status::unresolved);
    }
  }
  SUBCASE("the message is too long") {
    CHECK(here.send(test::nobody(), test::bytes(20'000'001)) == link_status::too_large);
    CHECK(here.post(test::nobody(), test::bytes(20'000'001)) == link_status::too_large);
  }
  SUBCASE("nobody answers the attempt to connect") {
    const test::raw_listener busy(0);
    std::vector<int> callers;  // the queue of those who wait to be accepted is full
    for (int i = 0; i < 3; ++i) {
      callers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      const sockaddr_in to = test::loopback(test::port_of(busy.address()));
      (void)::connect(callers.back(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    CHECK(hasty.send(busy.address(), "x") == link_status::unreachable);
    for (const int each : callers) {
      ::close(each);
    }
  }
  SUBCASE("the peer reads nothing") {
    const test::raw_listener listener;
    CHECK(hasty.send(listener.address(), much) == link_status::short_write);
  }
  SUBCASE("the peer is gone in the middle of it") {
    const test::raw_listener listener;
    std::jthread peer([&] {
      auto p = listener.accept();
      CHECK(p.read(1000).size() == 1000);
      p.reset();
    });
    CHECK(here.send(listener.address(), much) == link_status::short_write);
  }
  SUBCASE("the peer has it, and acknowledges nothing") {
    const test::raw_listener listener;
    CHECK(hasty.send_acknowledged(listener.address(), "x") == link_status::timeout);
  }
  SUBCASE("the peer goes instead of acknowledging") {
    const test::raw_listener listener;
    std::jthread peer([&] { CHECK(listener.accept().read(4).size() == 4); });
    CHECK(here.send_acknowledged(listener.address(), "x") == link_status::reset);
  }
  SUBCASE("the link was closed") {
    tcp_link there;
    here.close();
    CHECK(here.send(there.address(), "x") == link_status::closed);
    CHECK(here.post(there.address(), "x") == link_status::closed);
    CHECK(here.flush(there.address()) == link_status::closed);
  }
}

TEST_CASE("posts go together, and the next call says which were lost") {
  tcp_link here;
  {
    tcp_link there;
    for (std::uint32_t i = 0; i < 1000; ++i) {
      REQUIRE(here.post(there.address(), test::numbered(i)) == link_status::ok);
    }
    REQUIRE(here.flush(there.address()) == link_status::ok);
    for (std::uint32_t i = 0; i < 1000; ++i) {
      datagram d;
      REQUIRE(there.receive(d) == status::ok);
      REQUIRE(test::number_of(d.bytes) == i);
    }
  }
  {
    tcp_link there;  // without a flush they arrive as well
    REQUIRE(here.post(there.address(), "soon") == link_status::ok);
    datagram d;
    CHECK(there.receive(d) == status::ok);
  }
  const std::string nobody = test::nobody();
  CHECK(here.post(nobody, "lost") == link_status::ok);
  CHECK(here.flush(nobody) == link_status::refused);
  CHECK(here.flush(nobody) == link_status::ok);  // said once
  CHECK(here.post(nobody, "lost") == link_status::ok);
  link_status second = link_status::ok;
  test::eventually([&] { return (second = here.post(nobody, "x")) != link_status::ok; });
  CHECK(second == link_status::refused);
}

TEST_CASE("losses of which nobody asks are forgotten one day") {
  test::drops dropped;
  tcp_link here({.address = "", .on_drop = dropped.recorder()});
  const std::string port = ":" + std::to_string(test::port_of(test::nobody()));
  const auto address = [&](int i) {
    return "127.1." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250) + port;
  };
  constexpr int count = 2000;
  for (int i = 0; i < count; ++i) {
    REQUIRE(here.post(address(i), "lost") == link_status::ok);
    if (i % 100 == 0 || i == count - 1) {
      dropped.wait_for(drop_reason::no_connection, static_cast<std::size_t>(i + 1));
    }
  }
  CHECK(here.flush(address(0)) == link_status::ok);
  CHECK(here.flush(address(count - 1)) == link_status::refused);
  CHECK(here.flush(address(count - 900)) == link_status::refused);
  for (int i = 0; i < count; ++i) {  // and those that are asked about do not count
    REQUIRE(here.post(address(0), "lost") == link_status::ok);
    REQUIRE(here.flush(address(0)) == link_status::refused);
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a connection at rest keeps no room for what it has sent") {
  const auto in_use = [] {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  constexpr std::size_t size = 8 << 20;
  tcp_link here;
  tcp_link there;
  const std::size_t before = in_use();
  CHECK(here.send(there.address(), test::bytes(size)) == link_status::ok);
  CHECK(there.receive(*std::make_unique<datagram>()) == status::ok);
  test::eventually([&] { return in_use() < before + size / 2; });
  CHECK(here.send(there.address(), "and goes on") == link_status::ok);
  CHECK(there.receive(*std::make_unique<datagram>()) == status::ok);
}
#endif

TEST_CASE("a link does not connect to itself where nobody listens") {
  tcp_link here({.address = ""});
  // The system gives out the ports that connections come from in turn, of these every other one;
  // and a connection may come from the very port that it goes to.
  const int port = test::port_of(test::nobody()) & ~1;
  const std::string nobody = "127.0.0.1:" + std::to_string(port);
  for (int i = 0; i < 20'000; ++i) {
    REQUIRE(here.send(nobody, "x") == link_status::refused);
  }
}

TEST_CASE("a post waits for room, no longer than its time, and no longer than asked") {
  const test::raw_listener deaf;
  tcp_link here({.timeout = 1h});
  const auto some = test::pattern(100'000);
  const auto fill = [&] {
    auto s = link_status::ok;
    while (s == link_status::ok) {
      s = here.post(deaf.address(), some, 30ms);
    }
    return s;
  };
  CHECK(fill() == link_status::timeout);
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(15ms);
    stop.request_stop();
  });
  CHECK(here.post(deaf.address(), some, 1h, stop.get_token()) == link_status::cancelled);
  std::jthread reader([&, peer = deaf.accept()] { (void)peer.read(10'000'000); });
  CHECK(here.post(deaf.address(), some) == link_status::ok);
  here.close();
}

TEST_CASE("a wait for a message ends by time, by a stop, and by closing") {
  tcp_link here;
  datagram d;
  const auto before = std::chrono::steady_clock::now();
  CHECK(here.receive_for(d, 20ms) == status::timeout);
  CHECK(std::chrono::steady_clock::now() - before >= 20ms);
  CHECK(here.receive_for(d, 0ms) == status::timeout);
  {
    std::stop_source stop;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(15ms);
      stop.request_stop();
    });
    CHECK(here.receive(d, stop.get_token()) == status::cancelled);
    CHECK(here.receive_for(d, 1h, stop.get_token()) == status::cancelled);
  }
  std::vector<std::jthread> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back([&] {
      datagram mine;
      CHECK(here.receive(mine) == status::closed);
    });
  }
  std::this_thread::sleep_for(15ms);
  here.close();
  waiting.clear();
  CHECK(here.try_receive(d) == status::closed);
  here.close();
}

TEST_CASE("each of many receivers gets messages, and none is lost between them") {
  tcp_link here;
  tcp_link there;
  constexpr std::uint32_t count = 2000;
  std::vector<std::atomic<int>> seen(count);
  std::atomic<std::uint32_t> taken = 0;
  std::vector<std::jthread> receivers;
  for (int i = 0; i < 3; ++i) {
    receivers.emplace_back([&] {
      datagram d;
      while (there.receive(d) == status::ok) {
        ++seen[test::number_of(d.bytes)];
        ++taken;
      }
    });
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    REQUIRE(here.send(there.address(), test::numbered(i)) == link_status::ok);
  }
  test::eventually([&] { return taken == count; });
  there.close();
  receivers.clear();
  for (const auto& each : seen) {
    REQUIRE(each == 1);
  }
}

TEST_CASE("each sender's messages to a peer arrive in their order") {
  tcp_link here;
  tcp_link there;
  constexpr std::uint32_t senders = 6;
  constexpr std::uint32_t count = 1500;
  std::vector<std::jthread> threads;
  for (std::uint32_t s = 0; s < senders; ++s) {
    threads.emplace_back([&, s] {
      for (std::uint32_t i = 0; i < count; ++i) {
        auto message = test::numbered(i, 4 + i % 50);
        message.push_back(static_cast<std::byte>(s));
        const std::string& to = there.address();
        const auto sent = (i + s) % 7 == 0   ? here.send_acknowledged(to, message)
                          : (i + s) % 2 == 0 ? here.send(to, message)
                                             : here.post(to, message);
        if (sent != link_status::ok) {
          FAIL_CHECK("not sent: ", millrace::to_string(sent));
          return;
        }
      }
    });
  }
  std::vector<std::uint32_t> next(senders);
  for (std::uint32_t n = 0; n < senders * count; ++n) {
    datagram d;
    REQUIRE(there.receive(d) == status::ok);
    const auto sender = std::to_integer<std::size_t>(d.bytes.back());
    REQUIRE(test::number_of(d.bytes) == next[sender]);
    ++next[sender];
  }
}

TEST_CASE("what the kernel has is delivered though the sender closes at once") {
  tcp_link there;
  constexpr std::uint32_t count = 3000;
  {
    tcp_link here;
    for (std::uint32_t i = 0; i < count; ++i) {
      REQUIRE(here.send(there.address(), test::numbered(i)) == link_status::ok);
    }
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    datagram d;
    REQUIRE(there.receive(d) == status::ok);
    REQUIRE(test::number_of(d.bytes) == i);
  }
}

TEST_CASE("links may be closed during traffic, by several threads at once") {
  test::allow(120);
  for (int round = 0; round < 30; ++round) {
    tcp_link here;
    tcp_link there;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] {
        const auto message = test::pattern(static_cast<std::size_t>(1 + i * 3000));
        for (;;) {
          const auto s = i == 0   ? here.send_acknowledged(there.address(), message)
                         : i == 1 ? here.post(there.address(), message)
                                  : here.send(there.address(), message);
          if (s == link_status::closed) {
            return;
          }
        }
      });
    }
    threads.emplace_back([&] {
      datagram d;
      while (there.receive(d) == status::ok) {
        (void)there.send(d.from, d.bytes);
      }
    });
    threads.emplace_back([&] {
      datagram d;
      while (here.receive(d) == status::ok) {
      }
    });
    std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
    std::jthread other([&] { (round % 2 == 0 ? here : there).close(); });
    here.close();
    there.close();
  }
}

TEST_CASE("a peer that comes back at its address is connected to again") {
  tcp_link here;
  std::optional<tcp_link> there(std::in_place);
  const std::string address = there->address();
  CHECK(here.send_acknowledged(address, "first") == link_status::ok);
  there.reset();
  there.emplace(millrace::link_options{.address = address});
  // The old connection's end may not have been noticed yet.
  test::eventually([&] { return here.send_acknowledged(address, "second") == link_status::ok; });
  datagram d;
  REQUIRE(there->receive(d) == status::ok);
  CHECK(test::as_text(d.bytes) == "second");
}

TEST_CASE("connections are used again, up to the size of the pool, and closed when idle") {
  test::drops here_dropped;
  tcp_link here({.pool_size = 2, .idle_after = 150ms, .on_drop = here_dropped.recorder()});
  tcp_link first;
  tcp_link second;
  tcp_link third;
  const auto from_at = [&](tcp_link& there) {
    REQUIRE(here.send_acknowledged(there.address(), "x") == link_status::ok);
    datagram d;
    REQUIRE(there.try_receive(d) == status::ok);
    return d.from;
  };
  const auto first_from = from_at(first);
  CHECK(from_at(first) == first_from);
  const auto second_from = from_at(second);
  CHECK(from_at(first) == first_from);
  (void)from_at(third);  // in place of the second, which was not used for longest
  here_dropped.wait_for(drop_reason::displaced);
  CHECK(from_at(first) == first_from);
  CHECK(here_dropped.count(drop_reason::displaced) == 1);
  here_dropped.wait_for(drop_reason::idle, 2);
  CHECK(from_at(first) != first_from);
}

TEST_CASE("a link does its work on the user's threads, if he likes") {
  boost::asio::io_context context;
  auto work = boost::asio::make_work_guard(context);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] { context.run(); });
  }
  {
    tcp_link here(context, {});
    tcp_link there(context, {});
    for (std::uint32_t i = 0; i < 300; ++i) {
      REQUIRE(here.send_acknowledged(there.address(), test::numbered(i)) == link_status::ok);
      datagram d;
      REQUIRE(there.receive(d) == status::ok);
      REQUIRE(test::number_of(d.bytes) == i);
    }
  }
  work.reset();  // the links leave nothing that would keep it running
}

TEST_CASE("the smallest limit of memory still lets messages through, one after the other") {
  tcp_link here;
  tcp_link there({.memory_limit = 1});
  for (std::uint32_t i = 0; i < 20; ++i) {
    REQUIRE(here.send_acknowledged(there.address(), test::numbered(i)) == link_status::ok);
    datagram d;
    REQUIRE(there.receive(d) == status::ok);
    REQUIRE(test::number_of(d.bytes) == i);
  }
}

TEST_CASE("who does not receive slows his senders down, and loses nothing") {
  tcp_link here;
  tcp_link there({.memory_limit = 1'000'000});
  constexpr std::uint32_t count = 20'000;  // more than all buffers on the way hold
  std::atomic<std::uint32_t> posted = 0;
  std::jthread sender([&] {
    for (std::uint32_t i = 0; i < count; ++i) {
      REQUIRE(here.post(there.address(), test::numbered(i, 1000)) == link_status::ok);
      ++posted;
    }
    REQUIRE(here.flush(there.address()) == link_status::ok);
  });
  test::eventually([&] {  // the sender stands still
    const std::uint32_t before = posted;
    std::this_thread::sleep_for(100ms);
    return posted == before;
  });
  CHECK(posted < count);
  for (std::uint32_t i = 0; i < count; ++i) {
    datagram d;
    REQUIRE(there.receive(d) == status::ok);
    REQUIRE(test::number_of(d.bytes) == i);
  }
}
