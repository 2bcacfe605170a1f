#include "grpc_calls.hpp"

#include <chrono>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include "../harness/processes.hpp"
#include "counting.grpc.pb.h"

namespace bench {

namespace {

using namespace std::chrono_literals;
using grpc_peer::counting;
using grpc_peer::number;

class next_number final : public counting::Service {
  grpc::Status next(grpc::ServerContext*, const number* asked, number* reply) override {
    reply->set_value(asked->value() + 1);
    return grpc::Status::OK;
  }
};

}  // namespace

times grpc_calls(std::uint64_t count) {
  const std::string path = unique_path();
  struct state {
    meeting open;
    meeting done;
    times result;
  };
  shared<state> s;
  const auto ask = [&] {
    s->open.wait_for(1);
    const auto stub =
        counting::NewStub(grpc::CreateChannel("unix:" + path, grpc::InsecureChannelCredentials()));
    s->result = time_trips(count, [&](std::uint64_t i) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + 5s);
      number asked;
      asked.set_value(i);
      number reply;
      const grpc::Status answered = stub->next(&context, asked, &reply);
      if (!answered.ok())
        throw failure(fmt::format("gRPC: {}", answered.error_message()));
      if (reply.value() != i + 1)
        throw failure("another reply arrived");
    });
    s->done.arrive();
  };
  const auto answer = [&] {
    next_number service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    const auto server = builder.BuildAndStart();
    if (!server)
      throw failure("gRPC: no server");
    s->open.arrive();
    s->done.wait_for(1);
    server->Shutdown(std::chrono::system_clock::now());
  };
  run({{ask, any_cpu}, {answer, any_cpu}});  // it has threads of its own
  ::unlink(path.c_str());
  return s->result;
}

}  // namespace bench
