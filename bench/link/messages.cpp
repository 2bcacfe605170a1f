// 1,024 messages of 11 bytes from one endpoint to another and received there, on one thread: what a
// delivered message costs. That is how the Go library proletariat measures itself.
#include <benchmark/benchmark.h>

#include "../harness/ask.hpp"
#include "../harness/measure.hpp"
#include "../harness/workload.hpp"
#include "link_channel.hpp"
#include "questions.hpp"

namespace bench {

namespace {

constexpr std::string_view message = "hello world";
constexpr int messages = 1024;

struct endpoints {
  millrace::tcp_link here;
  millrace::tcp_link there;
  millrace::datagram received;

  void receive_all() {
    for (int i = 0; i < messages; ++i) {
      must(there.receive(received));
      if (received.bytes.size() != message.size())
        throw failure("another message arrived");
    }
  }
};

void posts(benchmark::State& state) {
  measure_workload(state, [] {
    return [e = std::make_shared<endpoints>()] {
      for (int i = 0; i < messages; ++i)
        must(e->here.post(e->there.address(), message));
      must(e->here.flush(e->there.address()));
      e->receive_all();
    };
  });
  state.SetItemsProcessed(state.iterations() * messages);
}

void sends(benchmark::State& state) {
  measure_workload(state, [] {
    return [e = std::make_shared<endpoints>()] {
      for (int i = 0; i < messages; ++i)
        must(e->here.send(e->there.address(), message));
      e->receive_all();
    };
  });
  state.SetItemsProcessed(state.iterations() * messages);
}

}  // namespace

void ask_link_messages() {
  benchmark::RegisterBenchmark("link_messages/post/11", posts)->UseManualTime();
  benchmark::RegisterBenchmark("link_messages/send/11", sends)->UseManualTime();
}

}  // namespace bench
