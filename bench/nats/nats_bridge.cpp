// What the bridge to NATS JetStream costs: messages a second through it, against what a program by
// cnats alone does with the same server, stream and window. The server, started here, keeps the
// stream in files in a temporary directory. The two ways take turns; medians are printed.
//
//   nats_bridge_bench NATS_SERVER [MESSAGES [BYTES [ROUNDS]]]
#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nats/nats.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <millrace/core/error.hpp>
#include <millrace/link/nats_bridge.hpp>
#include <millrace/queue/inspect.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/subscriber.hpp>

namespace {

using clock_type = std::chrono::steady_clock;

constexpr int window = 1024;
constexpr int batch = 256;
constexpr auto url = "nats://127.0.0.1:14223";

void must(natsStatus s, const char* what) {
  if (s != NATS_OK) {
    throw std::runtime_error(fmt::format("{}: {}", what, natsStatus_GetText(s)));
  }
}

/// A directory and a server that keeps its streams there.
class environment {
 public:
  explicit environment(std::string server) {
    std::string name = std::filesystem::temp_directory_path() / "nats_bridge_bench.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("cannot make a directory");
    }
    directory_ = name;
    std::vector<std::string> words{
        std::move(server),    "-a", "127.0.0.1",       "-p", "14223", "-js", "-sd",
        directory_ / "store", "-l", directory_ / "log"};
    std::vector<char*> arguments;
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    if (::posix_spawn(&server_, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) {
      throw std::runtime_error("cannot start " + words[0]);
    }
  }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment() {
    ::kill(server_, SIGKILL);
    ::waitpid(server_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }

 private:
  std::filesystem::path directory_;
  pid_t server_ = 0;
};

/// By cnats alone.
class bare {
 public:
  bare() {
    natsStatus s = NATS_ERR;
    for (int tries = 0; s != NATS_OK && tries < 200; ++tries) {
      s = natsConnection_ConnectTo(&connection_, url);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    must(s, "connecting");
    jsOptions options;
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = window;
    options.PublishAsync.StallWait = 60'000;
    must(natsConnection_JetStream(&context_, connection_, &options), "JetStream");
  }
  bare(const bare&) = delete;
  bare& operator=(const bare&) = delete;
  ~bare() {
    jsCtx_Destroy(context_);
    natsConnection_Destroy(connection_);
  }

  void make_stream() const {
    (void)js_DeleteStream(context_, "BENCH", nullptr, nullptr);
    const char* subject = "bench.messages";
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = "BENCH";
    config.Subjects = &subject;
    config.SubjectsLen = 1;
    must(js_AddStream(nullptr, context_, &config, nullptr, nullptr), "making a stream");
  }

  void publish(int count, const std::string& message, bool ids) const {
    jsPubOptions options;
    jsPubOptions_Init(&options);
    for (int i = 0; i < count; ++i) {
      const std::string id = fmt::format("bench.{}", i);
      options.MsgId = ids ? id.c_str() : nullptr;
      must(js_PublishAsync(context_, "bench.messages", message.data(),
                           static_cast<int>(message.size()), &options),
           "publishing");
    }
    must(js_PublishAsyncComplete(context_, nullptr), "acknowledgements");
  }

  /// How many messages the stream has.
  [[nodiscard]] std::uint64_t stored() const {
    jsStreamInfo* info = nullptr;
    must(js_GetStreamInfo(&info, context_, "BENCH", nullptr, nullptr), "asking about the stream");
    const auto messages = info->State.Msgs;
    jsStreamInfo_Destroy(info);
    return messages;
  }

  void consume(int count) const {
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Config.MaxAckPending = 1000;
    natsSubscription* subscription = nullptr;
    must(js_PullSubscribe(&subscription, context_, "bench.messages", "bare", nullptr, &options,
                          nullptr),
         "subscribing");
    for (int got = 0; got < count;) {
      natsMsgList messages;
      must(natsSubscription_Fetch(&messages, subscription, batch, 10'000, nullptr), "fetching");
      for (int i = 0; i < messages.Count; ++i) {
        must(natsMsg_Ack(messages.Msgs[i], nullptr), "acknowledging");
      }
      got += messages.Count;
      natsMsgList_Destroy(&messages);
    }
    natsSubscription_Destroy(subscription);
  }

 private:
  natsConnection* connection_ = nullptr;
  jsCtx* context_ = nullptr;
};

class comparison {
 public:
  comparison(int count, std::size_t size) : count_(count), message_(size, 'x') {}
  comparison(const comparison&) = delete;
  comparison& operator=(const comparison&) = delete;
  ~comparison() { remove_queue(); }

  double publish_bare(bool ids) {
    program_.make_stream();
    return rate([&] { program_.publish(count_, message_, ids); });
  }

  double publish_bridged() {
    program_.make_stream();
    const millrace::queue_options queue = fresh_queue();
    const double result = rate([&] {
      const std::jthread program([&] {
        millrace::publisher to(queue_, queue);
        for (int i = 0; i < count_; ++i) {
          (void)to.enqueue(message_);
        }
      });
      const std::jthread bridge([&](const std::stop_token& stop) {
        millrace::subscriber from(queue_, queue);
        millrace::bridge_to_nats(from,
                                 {.server = {.url = url},
                                  .stream = {.name = "BENCH"},
                                  .subject = "bench.messages",
                                  .window = window},
                                 stop);
      });
      // A message leaves the queue when it was acknowledged.
      while (millrace::stat(queue_).finished != static_cast<std::uint64_t>(count_)) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
    if (program_.stored() != static_cast<std::uint64_t>(count_)) {
      throw std::runtime_error("messages are missing in the stream");
    }
    return result;
  }

  double consume_bare() {
    program_.make_stream();
    program_.publish(count_, message_, false);
    return rate([&] { program_.consume(count_); });
  }

  double consume_bridged() {
    program_.make_stream();
    program_.publish(count_, message_, false);
    const millrace::queue_options queue = fresh_queue();
    millrace::subscriber from(queue_, queue);
    return rate([&] {
      const std::jthread bridge([&](const std::stop_token& stop) {
        millrace::publisher to(queue_, queue);
        millrace::bridge_from_nats(to,
                                   {.server = {.url = url},
                                    .stream = {.name = "BENCH"},
                                    .consumer = "bridge",
                                    .batch = batch},
                                   stop);
      });
      for (int i = 0; i < count_; ++i) {
        (void)from.dequeue();
      }
    });
  }

 private:
  /// With room for some windows.
  millrace::queue_options fresh_queue() {
    remove_queue();
    millrace::queue_options options;
    options.capacity = 8 * window * std::max<std::size_t>(256, message_.size());
    const millrace::publisher makes_it(queue_, options);
    options.capacity = 0;
    return options;
  }

  void remove_queue() const {
    try {
      millrace::remove(queue_);
    } catch (const millrace::error&) {
      // There was none.
    }
  }

  double rate(const std::function<void()>& work) const {
    const auto start = clock_type::now();
    work();
    return count_ / std::chrono::duration<double>(clock_type::now() - start).count();
  }

  int count_;
  std::string message_;
  const std::string queue_ = fmt::format("nats_bridge_bench.{}", ::getpid());
  bare program_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

int number(const char* text) {
  int value = 0;
  std::from_chars(text, text + std::string_view(text).size(), value);
  return std::max(value, 1);
}

void run(int argc, char** argv) {
  const int count = argc > 2 ? number(argv[2]) : 200'000;
  const int size = argc > 3 ? number(argv[3]) : 100;
  const int rounds = argc > 4 ? number(argv[4]) : 5;
  const environment place(argv[1]);
  comparison compared(count, static_cast<std::size_t>(size));
  struct way {
    const char* name;
    std::function<double()> measure;
    std::vector<double> rates;
  };
  std::vector<way> ways{
      {"to NATS, cnats alone, no ids", [&] { return compared.publish_bare(false); }, {}},
      {"to NATS, cnats alone, ids", [&] { return compared.publish_bare(true); }, {}},
      {"to NATS, bridge", [&] { return compared.publish_bridged(); }, {}},
      {"from NATS, cnats alone", [&] { return compared.consume_bare(); }, {}},
      {"from NATS, bridge", [&] { return compared.consume_bridged(); }, {}}};
  for (int round = 0; round < rounds; ++round) {
    for (way& each : ways) {
      each.rates.push_back(each.measure());
    }
  }
  fmt::print("{} messages of {} bytes, {} rounds, messages/s: median (lowest to highest)\n", count,
             size, rounds);
  for (const way& each : ways) {
    const auto [low, high] = std::ranges::minmax(each.rates);
    fmt::print("{:<30} {:>9.0f} ({:.0f} to {:.0f})\n", each.name, median(each.rates), low, high);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "nats_bridge_bench NATS_SERVER [MESSAGES [BYTES [ROUNDS]]]\n");
    return 2;
  }
  try {
    run(argc, argv);
    return 0;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "nats_bridge_bench: {}\n", problem.what());
    return 1;
  }
}
