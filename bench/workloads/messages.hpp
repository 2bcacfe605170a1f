// Senders send messages to all receivers, each of which has a box. The workload is that of the
// benchmark of unliftio-messagebox, and so are the fields of the messages.
#pragma once

#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "must.hpp"

namespace bench::messages {

using millrace::task;

/// Of string_views, a message is made without touching what they show, as the original's is, which
/// is never built; of strings, it is built.
template <class Text>
struct message {
  Text title;
  Text size;
  Text summary;
  Text beginning;
  Text end;
  bool even = false;
  double number = 0;
};

inline constexpr std::string_view letters =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

template <class Text>
message<Text> make_message(int number) {
  return {Text(letters.substr(0, 132)),  Text("large"),
          Text(letters.substr(0, 117)),  Text(letters.substr(0, 133)),
          Text(letters.substr(0, 132)),  number % 2 == 0,
          1.2342342111111111e32 * number};
}

struct parties {
  int senders;
  int receivers;
};

// --- coroutines

template <class Text, class Input>
task<> send(std::vector<Input> receivers, int to_each, const millrace::scheduler& where) {
  std::vector<millrace::async_input<Input>> inputs;
  for (auto& r : receivers) {
    inputs.push_back(r.on(where));
  }
  for (int i = 0; i < to_each; ++i) {
    for (auto& in : inputs) {
      auto m = make_message<Text>(i);
      const bool delivered = co_await in.deliver(std::move(m));
      must(delivered, "a message was not delivered");
    }
  }
}

template <class Box>
task<> receive(Box box, int expected, const millrace::scheduler& where) {
  auto inbox = box.on(where);
  for (int i = 0; i < expected; ++i) {
    const auto message = co_await inbox.receive();
    must(message.has_value(), "no message was received");
  }
}

/// `total` messages, in boxes with this policy.
template <class Text, class Policy>
void run(const parties& p, int total, const Policy& policy, const millrace::scheduler& where) {
  using box = millrace::message_box<message<Text>, Policy>;
  millrace::task_group everybody(where);
  std::vector<typename box::input_type> receivers;
  for (int i = 0; i < p.receivers; ++i) {
    box b(policy);
    receivers.push_back(b.new_input());
    everybody.spawn(receive(std::move(b), total / p.receivers, where));
  }
  for (int i = 0; i < p.senders; ++i) {
    everybody.spawn(send<Text>(receivers, total / p.senders / p.receivers, where));
  }
  receivers.clear();
  everybody.wait();
}

// --- threads

/// The same with any peer, a thread for each party. `P`: a peer for such messages.
template <class Text, class P>
void run_with_threads(const parties& p, int total) {
  std::vector<std::unique_ptr<P>> boxes;
  for (int i = 0; i < p.receivers; ++i) {
    boxes.push_back(std::make_unique<P>());
  }
  std::vector<std::jthread> everybody;
  for (auto& box : boxes) {
    everybody.emplace_back([&box, expected = total / p.receivers] {
      for (int i = 0; i < expected; ++i) {
        box->receive([](message<Text>&) {});
      }
    });
  }
  for (int s = 0; s < p.senders; ++s) {
    everybody.emplace_back([&boxes, to_each = total / p.senders / p.receivers] {
      std::vector<std::unique_ptr<typename P::sender>> inputs;
      for (auto& box : boxes) {
        inputs.push_back(std::make_unique<typename P::sender>(*box));
      }
      for (int i = 0; i < to_each; ++i) {
        for (auto& in : inputs) {
          in->send(make_message<Text>(i));
        }
      }
    });
  }
}

}  // namespace bench::messages
