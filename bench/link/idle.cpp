// How much memory does a link need for each of many connections on which nothing happens any more?
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <sys/resource.h>

#include <millrace/link/tcp_link.hpp>

#include "../harness/ask.hpp"
#include "../harness/processes.hpp"
#include "../memory/rounds.hpp"
#include "../peers/transport.hpp"
#include "link/certificates.hpp"
#include "link_channel.hpp"
#include "questions.hpp"

namespace bench {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

/// The link gives back what it gathers in after half a second.
constexpr auto to_rest = 2s;
constexpr std::array<std::byte, 7> message{std::byte{0xc4}, std::byte{5}};

void raise_limit(std::size_t descriptors) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < descriptors)
    throw failure("too few descriptors are allowed");
}

/// Each sends a message, so that all there is to a connection has been used.
void connect_all(std::vector<tcp::socket>& sockets, const tcp::endpoint& at, bool encrypted) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  for (tcp::socket& each : sockets) {
    each.connect(at);
    if (encrypted) {
      asio::ssl::stream<tcp::socket&> stream(each, tls);
      stream.handshake(asio::ssl::stream_base::client);
      asio::write(stream, asio::buffer(message));
    } else {
      asio::write(each, asio::buffer(message));
    }
  }
}

void idle(benchmark::State& state, bool encrypted, std::size_t count) {
  const test::scratch scratch;
  std::optional<millrace::tls_options> tls;
  if (encrypted) {
    tls = test::authority(scratch).tls();
    tls->ca.clear();  // anybody may connect
  }
  const over_tcp place;
  struct figures {
    meeting open;
    meeting done;
    long kibibytes;
    double seconds;
  };
  shared<figures> s;
  const auto serve = [&] {
    raise_limit(count + 100);
    millrace::tcp_link link({.address = place.address(), .tls = tls});
    const long before = resident_kibibytes();
    s->open.arrive();
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      millrace::datagram d;
      must(link.receive(d));
    }
    s->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::this_thread::sleep_for(to_rest);
    s->kibibytes = resident_kibibytes() - before;
    s->done.arrive();
  };
  const auto call = [&] {
    raise_limit(count + 100);
    asio::io_context context;
    std::vector<tcp::socket> sockets;
    for (std::size_t i = 0; i < count; ++i)
      sockets.emplace_back(context);
    s->open.wait_for(1);
    connect_all(sockets, {asio::ip::address_v4::loopback(), place.port()}, encrypted);
    s->done.wait_for(1);
  };
  for (auto _ : state) {
    try {
      run({{serve, 0}, {call, 1}});
    } catch (const failure& why) {
      state.SkipWithError(why.what());
      return;
    }
    state.SetIterationTime(s->seconds);
  }
  state.counters["KiB"] = static_cast<double>(s->kibibytes) / static_cast<double>(count);
}

}  // namespace

void ask_link_idle() {
  for (const bool encrypted : {false, true}) {
    const auto* const peer = encrypted ? "millrace_link_tls" : "millrace_link";
    for (const std::size_t count : {500, 10'000})
      benchmark::RegisterBenchmark(name_of("link_idle", peer, count).c_str(), idle, encrypted,
                                   count)
          ->Iterations(1)
          ->UseManualTime();
  }
}

}  // namespace bench
