// How long does a message take over TCP to another process, and one back? `asio` is what a program
// would do with Boost.Asio alone: two processes that read and write asynchronously, messages of a
// size that both know.
#include <array>

#include <benchmark/benchmark.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "../harness/ask.hpp"
#include "../harness/processes.hpp"
#include "../harness/trips.hpp"
#include "link_channel.hpp"
#include "questions.hpp"

namespace bench {

namespace {

namespace asio = boost::asio;
constexpr std::size_t message_size = 64;
using message_bytes = std::array<std::byte, message_size>;

struct state {
  meeting open;
  meeting done;
  times result;
};

times link_trips(std::uint64_t count) {
  const over_tcp place;
  shared<state> s;
  const auto ask = [&] {
    s->open.wait_for(1);
    millrace::tcp_link link({.address = ""});
    const std::string to = place.address();
    message_bytes message{};
    millrace::datagram answer;
    s->result = time_trips(count, [&](std::uint64_t) {
      must(link.send(to, message));
      must(link.receive(answer));
    });
    s->done.arrive_and_wait_for(2);
  };
  const auto answer = [&] {
    millrace::tcp_link link({.address = place.address()});
    s->open.arrive();
    millrace::datagram d;
    for (std::uint64_t i = 0; i < warm_up_trips + count; ++i) {
      must(link.receive(d));
      must(link.send(d.from, d.bytes));
    }
    s->done.arrive_and_wait_for(2);
  };
  run({{ask, 0}, {answer, 1}});
  return s->result;
}

times asio_trips(std::uint64_t count) {
  const over_tcp place;
  const asio::ip::tcp::endpoint at(asio::ip::address_v4::loopback(), place.port());
  shared<state> s;
  // Each trip waits in the context for the read that was begun before it.
  struct connection {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    asio::ip::tcp::socket socket{context};
    message_bytes message{};

    void receive() {
      bool here = false;
      asio::async_read(socket, asio::buffer(message),
                       [&](const boost::system::error_code& ec, std::size_t) {
                         if (ec)
                           throw failure(ec.message());
                         here = true;
                       });
      while (!here) {
        context.run_one();
      }
    }
    void send() { asio::write(socket, asio::buffer(message)); }
  };
  const auto ask = [&] {
    s->open.wait_for(1);
    connection c;
    c.socket.connect(at);
    c.socket.set_option(asio::ip::tcp::no_delay(true));
    s->result = time_trips(count, [&](std::uint64_t) {
      c.send();
      c.receive();
    });
    s->done.arrive_and_wait_for(2);
  };
  const auto answer = [&] {
    connection c;
    asio::ip::tcp::acceptor acceptor(c.context, at);
    s->open.arrive();
    acceptor.accept(c.socket);
    c.socket.set_option(asio::ip::tcp::no_delay(true));
    for (std::uint64_t i = 0; i < warm_up_trips + count; ++i) {
      c.receive();
      c.send();
    }
    s->done.arrive_and_wait_for(2);
  };
  run({{ask, 0}, {answer, 1}});
  return s->result;
}

void ask(const char* peer, times (*trips)(std::uint64_t)) {
  benchmark::RegisterBenchmark(name_of("link_round_trip", peer, message_size).c_str(),
                               benchmark_trips, trips)
      ->UseManualTime();
}

}  // namespace

void ask_link_round_trip() {
  ask("asio", asio_trips);
  ask("millrace_link", link_trips);
}

}  // namespace bench
