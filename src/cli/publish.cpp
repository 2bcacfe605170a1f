// millrace publish: turns the lines, NUL-ended strings or chunks of an input into messages.
#include <algorithm>
#include <bit>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/queue/inspect.hpp>
#include <millrace/queue/publisher.hpp>

#include "arguments.hpp"
#include "interruption.hpp"
#include "progress_bar.hpp"
#include "quantities.hpp"
#include "record_reader.hpp"
#include "streams.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

struct publish_arguments {
  std::string name;
  queue_options options;
  std::optional<std::filesystem::path> file;
  delimiter ends = '\n';
  std::size_t chunk = 0;  // 0: not chosen
};

constexpr std::size_t default_chunk = 64 * 1024;

/// One run of the verb: where the messages come from and go to, and how many went.
class publishing {
 public:
  publishing(const publish_arguments& arguments, const interruption& signals)
      : arguments_(arguments), stop_(signals.token()), from_(arguments.file, stop_),
        to_(arguments.name, arguments.options), progress_(from_.size()) {}

  void run() {
    try {
      if (arguments_.ends) {
        publish_records(*arguments_.ends);
      } else {
        publish_chunks();
      }
    } catch (const interrupted&) {
      throw failure(exit_code::failed,
                    fmt::format("interrupted; {} messages are in queue {}, the rest of {} is not",
                                with_commas(published_), arguments_.name, from_.name()));
    }
    progress_.finish();
  }

 private:
  using records = std::vector<std::span<const std::byte>>;

  void publish_records(char ends) {
    const queue_info queue = millrace::stat(arguments_.name, arguments_.options.directory);
    // A batch could have half of the slots; a quarter finds its room sooner.
    const std::size_t most_slots = queue.slots / 4;
    constexpr std::size_t most_records = 256;
    record_reader reader(from_, ends, to_.max_message_size());
    records ready;
    try {
      while (reader.next(ready, most_records)) {
        for (std::size_t first = 0; first < ready.size();) {
          std::size_t slots = 0;
          std::size_t last = first;
          do {
            slots += std::max<std::size_t>(1, (ready[last].size() + queue.block_size - 1) /
                                                  queue.block_size);
          } while (slots <= most_slots && ++last < ready.size());
          last = std::max(last, first + 1);
          publish_batch(std::span(ready).subspan(first, last - first));
          first = last;
        }
        progress_.show(reader.consumed());
      }
    } catch (const record_too_long& found) {
      throw failure(
          exit_code::failed,
          fmt::format("{} {} of {} has {}{} bytes, and a message of queue {} can have {}, half of "
                      "its capacity; nothing from that line on was published; make a queue with "
                      "--capacity {} or cut the input with --delimiter none --chunk SIZE",
                      ends == '\n' ? "line" : "string", with_commas(found.number), from_.name(),
                      found.counted_all ? "" : "over ", with_commas(found.size), arguments_.name,
                      with_commas(to_.max_message_size()), std::bit_ceil(found.size) * 2));
    }
  }

  void publish_batch(std::span<const std::span<const std::byte>> batch) {
    if (batch.size() > 1) {
      const status result = to_.try_enqueue_batch(batch);
      if (result == status::ok) {
        published_ += batch.size();
        return;
      }
      if (result != status::full) {
        throw_refusal(result);
      }
    }
    // No room for all at once: wait for room for each.
    for (const auto message : batch) {
      check(to_.enqueue(message, stop_));
    }
  }

  void publish_chunks() {
    const std::size_t longest = to_.max_message_size();
    if (arguments_.chunk > longest) {
      throw failure(exit_code::usage,
                    fmt::format("--chunk {} is too long for queue {}, whose messages can have {} "
                                "bytes; choose that or less",
                                arguments_.chunk, arguments_.name, longest));
    }
    const std::size_t size =
        arguments_.chunk != 0 ? arguments_.chunk : std::min(default_chunk, longest);
    if (from_.size()) {
      publish_file_chunks(size);
    } else {
      publish_pipe_chunks(size);
    }
  }

  /// A regular file never keeps its reader waiting for long, so it is read into the queue itself.
  void publish_file_chunks(std::size_t size) {
    std::uint64_t bytes = 0;
    for (;;) {
      auto room = to_.reserve(size, stop_);
      if (!room) {
        throw_refusal(to_.last_status());
      }
      const std::size_t got = from_.read_full(room->bytes());
      if (got == 0) {
        return;
      }
      status result = room->commit(got);
      while (result == status::full) {
        // Taken back while this process did not run; the bytes are kept until there is room.
        if (stop_.stop_requested()) {
          throw interrupted();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        result = room->commit(got);
      }
      check(result);
      progress_.show(bytes += got);
    }
  }

  /// Whoever writes into a pipe may take his time, and the queue must not wait for him.
  void publish_pipe_chunks(std::size_t size) {
    const auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
    while (const std::size_t got = from_.read_full({buffer.get(), size})) {
      check(to_.enqueue({buffer.get(), got}, stop_));
    }
  }

  void check(status result) {
    if (result != status::ok) {
      throw_refusal(result);
    }
    ++published_;
  }

  [[noreturn]] void throw_refusal(status result) const {
    if (result == status::cancelled) {
      throw interrupted();
    }
    throw failure(
        exit_code::failed,
        result == status::removed
            ? fmt::format("queue {} was removed while messages were published to it, and "
                          "they went with it; publish again to make a new one",
                          arguments_.name)
            : fmt::format("queue {} refused a message: {}", arguments_.name, to_string(result)));
  }

  const publish_arguments& arguments_;
  std::stop_token stop_;
  input from_;
  publisher to_;
  progress_bar progress_;
  std::uint64_t published_ = 0;
};

}  // namespace

void add_publish(CLI::App& app, verb& chosen) {
  auto arguments = std::make_shared<publish_arguments>();
  CLI::App& publish = *app.add_subcommand(
      "publish", "Put each line of standard input, or of a file, into a queue as a message");
  publish.footer("The queue is made if there is none. Lines lose their newline; an empty line is a "
                 "message\nof 0 bytes. When the queue is full, this waits for its subscribers.");
  add_queue_name(publish, arguments->name);
  must_name_a_file(
      *publish.add_option("--file", arguments->file, "Read this instead of standard input"));
  add_delimiter(publish, arguments->ends);
  publish
      .add_option_function<std::string>(
          "--chunk",
          [arguments = arguments.get()](const std::string& text) {
            arguments->chunk = size_argument("--chunk", text);
          },
          "Bytes of a message with --delimiter none [64KiB]")
      ->type_name("SIZE");
  add_sizes(publish, arguments->options);
  add_permissions(publish, arguments->options);
  add_directory(publish, arguments->options.directory);
  publish.callback([arguments, &chosen] {
    if (arguments->chunk != 0 && arguments->ends) {
      throw failure(exit_code::usage, "--chunk goes with --delimiter none; add that, or leave "
                                      "--chunk out to send lines as messages");
    }
    chosen = [arguments] {
      const interruption signals;
      publishing(*arguments, signals).run();
      return exit_code::ok;
    };
  });
}

}  // namespace millrace::cli
