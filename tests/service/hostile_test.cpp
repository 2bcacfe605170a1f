// Bytes that no client and no server of ours would send: refused, and everybody else goes on.
#include <chrono>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/service/detail/frame.hpp>

#include "calculator.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"

using namespace std::chrono_literals;
using namespace calculator;
using millrace::command_errc;
using millrace::status;
using millrace::detail::reply_header;
using millrace::detail::reply_kind;
using millrace::detail::request_header;

namespace {

using bytes = std::vector<std::byte>;

template <class Header>
bytes frame(const Header& header, std::string_view rest = {}) {
  bytes all(sizeof header + rest.size());
  std::memcpy(all.data(), &header, sizeof header);
  if (!rest.empty()) {
    std::memcpy(all.data() + sizeof header, rest.data(), rest.size());
  }
  return all;
}
template <class T>
std::string raw(const T& value) {
  std::string text(sizeof value, '\0');
  std::memcpy(text.data(), &value, sizeof value);
  return text;
}

std::uint64_t our_fingerprint() {
  return millrace::fingerprint(millrace::describe<api>());
}

/// A client made by hand.
class forger {
 public:
  explicit forger(const test::scratch& scratch)
      : requests_("desk", {.directory = scratch.path()}),
        replies_("desk.reply.00000000000000ff", options(scratch)) {}

  void send(const bytes& request) { REQUIRE(requests_.enqueue(request) == status::ok); }
  void send(std::uint64_t call, std::uint32_t command, std::string_view rest) {
    send(frame(request_header{our_fingerprint(), 0xff, call, 0, command}, rest));
  }
  std::pair<reply_header, std::string> receive() {
    const auto m = replies_.dequeue();
    REQUIRE(m);
    reply_header header{};
    std::span<const std::byte> rest;
    REQUIRE(millrace::detail::split(m->bytes(), header, rest));
    return {header, std::string(m->text().substr(sizeof header))};
  }

 private:
  static millrace::queue_options options(const test::scratch& scratch) {
    millrace::queue_options q;
    q.capacity = 16'384;
    q.directory = scratch.path();
    q.life = millrace::lifetime::transient;
    q.publishers = millrace::role::exclusive;
    q.subscribers = millrace::role::exclusive;
    return q;
  }
  millrace::publisher requests_;
  millrace::subscriber replies_;
};

TEST_CASE("hostile: a server answers malformed calls and survives everything else") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk());
  client desk("desk", client_in(scratch));
  forger by_hand(scratch);
  by_hand.send(0, millrace::detail::hello, "");
  CHECK(by_hand.receive().first.kind == reply_kind::greeting);

  by_hand.send(1, 0, raw(1) + raw(2));
  CHECK(by_hand.receive().second == raw(3));
  for (const auto& wrong : {std::string(), raw(1), raw(1) + raw(2) + "x"}) {
    by_hand.send(2, 0, wrong);
    const auto [header, why] = by_hand.receive();
    CHECK(header.call == 2);
    CHECK(header.kind == reply_kind::failed);
    CHECK(why == "the command is malformed");
  }
  by_hand.send(3, 5, "");  // there is no such command
  CHECK(by_hand.receive().first.kind == reply_kind::failed);
  by_hand.send(4, 2, raw(1));  // a cast is called
  CHECK(by_hand.receive().first.kind == reply_kind::failed);
  by_hand.send(0, 0, raw(1) + raw(2));  // a call is cast
  by_hand.send(0, 2, "");

  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; ++i) {
    bytes noise;
    if (i % 3 == 0) {
      noise.resize(random() % 100);
    } else {
      noise = frame(request_header{our_fingerprint(), random() % 3 == 0 ? 0xff : random(), random(),
                                   static_cast<std::uint32_t>(random()),
                                   static_cast<std::uint32_t>(random() % 6)},
                    std::string(random() % 40, '\0'));
    }
    for (auto n = random() % 4; n != 0 && !noise.empty(); --n) {
      noise[random() % noise.size()] = static_cast<std::byte>(random());
    }
    by_hand.send(noise);
    if (i % 100 == 0) {
      CHECK(call(desk, add{i, 1}, long_time).value() == i + 1);
    }
  }
  CHECK(call(desk, add{1, 2}, long_time).value() == 3);
}

TEST_CASE("hostile: a client that takes no replies holds up nobody, and gets all in the end") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk());
  client desk("desk", client_in(scratch));
  forger lazy(scratch);  // its queue has 64 slots
  constexpr std::uint64_t count = 500;
  for (std::uint64_t i = 1; i <= count; ++i) {
    lazy.send(i, 0, raw(static_cast<int>(i)) + raw(1));
  }
  CHECK(call(desk, add{1, 2}, long_time).value() == 3);
  CHECK(lazy.receive().first.kind == reply_kind::greeting);
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto [header, value] = lazy.receive();
    CHECK(header.call == i);
    CHECK(value == raw(static_cast<int>(i) + 1));
  }
  CHECK(call(desk, add{1, 2}, long_time).value() == 3);
}

TEST_CASE("hostile: a reply too long for a client that takes none fails once it takes them") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk());
  client desk("desk", client_in(scratch));
  forger lazy(scratch);
  constexpr std::uint64_t count = 100;  // its queue has 64 slots
  for (std::uint64_t i = 1; i <= count; ++i) {
    lazy.send(i, 0, raw(1) + raw(2));
  }
  lazy.send(count + 1, 1,
            raw(std::uint32_t{1}) + raw(std::uint32_t{9'000}) + std::string(9'000, 'x'));
  CHECK(call(desk, add{1, 2}, long_time).value() == 3);
  for (std::uint64_t i = 0; i <= count; ++i) {
    CHECK(lazy.receive().first.call != count + 1);
  }
  const auto [header, why] = lazy.receive();
  CHECK(header.call == count + 1);
  CHECK(header.kind == reply_kind::failed);
  CHECK(why.find("9004 bytes") != std::string::npos);
}

/// A server made by hand: answers each call as it is told.
template <class Answer>
std::jthread forge_server(const test::scratch& scratch, Answer answer) {
  return std::jthread([&scratch, answer](const std::stop_token& stop) {
    millrace::queue_options here;
    here.directory = scratch.path();
    here.subscribers = millrace::role::exclusive;
    millrace::subscriber requests("desk", here);
    std::optional<millrace::publisher> replies;
    const auto send = [&](const bytes& what) {
      test::expect(replies->enqueue(what) == status::ok);
    };
    while (const auto m = requests.dequeue(stop)) {
      request_header header{};
      std::span<const std::byte> rest;
      test::expect(millrace::detail::split(m->bytes(), header, rest));
      if (header.command == millrace::detail::hello) {
        millrace::queue_options there;
        there.directory = scratch.path();
        there.open = millrace::opening::open_only;
        std::string name(16, '0');
        const std::string digits = "0123456789abcdef";
        for (std::size_t i = 0; i < 16; ++i) {
          name[i] = digits[(header.client >> (60 - 4 * i)) & 15];
        }
        replies.emplace("desk.reply." + name, there);
        send(frame(reply_header{1, 0, reply_kind::greeting}, millrace::describe<api>()));
      } else {
        answer(header, send);
      }
    }
  });
}

TEST_CASE("hostile: a client takes one reply to each call, and of the others none") {
  const test::scratch scratch;
  const auto server = forge_server(scratch, [](const request_header& h, const auto& send) {
    std::mt19937_64 random(h.call);
    for (int i = 0; i < 20; ++i) {
      send(bytes(random() % sizeof(reply_header)));  // too short
    }
    send(frame(reply_header{h.call + 1000, h.ticket, reply_kind::replied}, raw(1)));
    send(frame(reply_header{h.call, h.ticket + 1, reply_kind::replied}, raw(2)));
    send(frame(reply_header{h.call, std::numeric_limits<std::uint32_t>::max(), reply_kind::replied},
               raw(3)));
    send(frame(reply_header{0, h.ticket, reply_kind::replied}, raw(4)));
    send(frame(reply_header{h.call, h.ticket, static_cast<reply_kind>(77)}, raw(5)));
    send(frame(reply_header{h.call, h.ticket, reply_kind::replied}, raw(42)));
    send(frame(reply_header{h.call, h.ticket, reply_kind::replied}, raw(6)));  // again
  });
  client desk("desk", client_in(scratch));
  for (int i = 0; i < 100; ++i) {
    CHECK(call(desk, add{i, 1}, long_time).value() == 42);
  }
}

TEST_CASE("hostile: a reply that is malformed fails the call and says so") {
  const test::scratch scratch;
  const auto server = forge_server(scratch, [](const request_header& h, const auto& send) {
    send(frame(reply_header{h.call, h.ticket, reply_kind::replied}, "too long for any number"));
  });
  client desk("desk", client_in(scratch));
  CHECK(call(desk, add{1, 2}, long_time).error().why == "the reply is malformed");
  CHECK(call(desk, join{}, long_time).error().why == "the reply is malformed");
  CHECK(call(desk, clear{}, long_time).error().why == "the reply is malformed");
  auto later = call_async(desk, recall{});
  CHECK(later.wait_for(long_time));
  CHECK(later.try_take()->error().code == command_errc::failed);
}

}  // namespace
