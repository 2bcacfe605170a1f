// How long does a call to another process take, from being made to its reply? Beside it a message
// there and one back over bare queues, and the same call over a Unix socket, written by hand and by
// gRPC.
#include <array>
#include <chrono>
#include <cstdint>

#include <benchmark/benchmark.h>

#include <millrace/millrace.hpp>

#include "../harness/ask.hpp"
#include "../harness/processes.hpp"
#include "../harness/round_trips.hpp"
#include "../harness/trips.hpp"
#include "../peers/millrace_queue.hpp"
#include "../peers/unix_socket.hpp"
#if MILLRACE_BENCH_GRPC
#include "grpc_calls.hpp"
#endif

namespace bench {

namespace {

using namespace std::chrono_literals;

struct next {
  std::uint64_t number;
  using returns = millrace::returns<std::uint64_t>;
};
using counting = millrace::protocol<next>;

constexpr std::size_t message_size = 64;  // of the bare queues

template <waiting Wait>
times calls(std::uint64_t count) {
  const auto name = unique_name();
  const auto spin = Wait == waiting::spin ? std::chrono::nanoseconds(1s) : 0ns;
  shared<times> result;
  const auto ask = [&] {
    millrace::client<counting> desk(name, {.spin = spin});
    *result = time_trips(count, [&](std::uint64_t number) {
      const auto reply = call(desk, next{number}, 5s);
      if (!reply || *reply != number + 1)
        throw failure(reply ? "another reply arrived" : "no reply");
    });
  };
  const auto answer = [&] {
    millrace::service<counting> desk(name, {.spin = spin});
    for (std::uint64_t i = 0; i < warm_up_trips + count; ++i) {
      auto message = desk.receive();
      handle(std::move(*message), [](next&& n, millrace::reply_box<std::uint64_t> reply) {
        return reply_to(reply, n.number + 1);
      });
    }
  };
  run({{ask, 0}, {answer, 1}});
  millrace::remove(name);
  return *result;
}

/// By hand, with what a call needs at least: which command it is and which call, and that one is
/// checked at either end.
struct request {
  std::uint64_t protocol, call, number;
};
struct response {
  std::uint64_t call, number;
};

template <channel C, waiting Wait>
times calls_by_hand(std::uint64_t count) {
  const workload w = {.size = sizeof(request), .depth = 64, .wait = Wait};
  const C there(w);
  const C back(w);
  struct state {
    meeting open;
    meeting done;
    times result;
  };
  shared<state> s;
  constexpr std::uint64_t protocol = 0x1234;
  const auto receive = [](auto& from, auto& into) {
    spinner spin(patience(2, C::has_threads));
    for (;;) {
      const auto size = from.receive(std::as_writable_bytes(std::span(&into, 1)));
      if (size)
        return void(*size == sizeof into ? 0 : throw failure("a short message arrived"));
      spin.pause();
    }
  };
  const auto send = [](auto& to, const auto& what) {
    spinner spin(patience(2, C::has_threads));
    while (!to.send(std::as_bytes(std::span(&what, 1))))
      spin.pause();
  };
  const auto ask = [&] {
    typename C::receiver replies(back, 0);
    s->open.arrive_and_wait_for(2);
    typename C::sender requests(there, 0);
    s->result = time_trips(count, [&](std::uint64_t number) {
      send(requests, request{protocol, number, number});
      response reply;
      receive(replies, reply);
      if (reply.call != number || reply.number != number + 1)
        throw failure("another reply arrived");
    });
    s->done.arrive_and_wait_for(2);
  };
  const auto answer = [&] {
    typename C::receiver requests(there, 0);
    s->open.arrive_and_wait_for(2);
    typename C::sender replies(back, 0);
    for (std::uint64_t i = 0; i < warm_up_trips + count; ++i) {
      request r;
      receive(requests, r);
      if (r.protocol != protocol)
        throw failure("another message arrived");
      send(replies, response{r.call, r.number + 1});
    }
    s->done.arrive_and_wait_for(2);
  };
  run({{ask, 0}, {answer, 1}});
  return s->result;
}

template <waiting Wait>
void ask_calls(const char* question) {
  const auto ask = [&](const char* peer, times (*trips)(std::uint64_t)) {
    benchmark::RegisterBenchmark(name_of(question, peer, "1:1").c_str(), benchmark_trips, trips)
        ->UseManualTime();
  };
  using millrace::role;
  ask("two_hops_shared", round_trips<millrace_queue<role::shared>, Wait, message_size>);
  ask("two_hops_exclusive", round_trips<millrace_queue<role::exclusive>, Wait, message_size>);
  ask("millrace_service", calls<Wait>);
  ask("unix_socket", calls_by_hand<unix_socket, Wait>);
#if MILLRACE_BENCH_GRPC
  if (Wait == waiting::sleep)
    ask("grpc", grpc_calls);
#endif
}

}  // namespace

void ask() {
  ask_calls<waiting::spin>("service_call_spinning");
  ask_calls<waiting::sleep>("service_call_sleeping");
}

}  // namespace bench
