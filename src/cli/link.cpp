// millrace link: joins a queue here to a queue on another machine.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/link/queue_link.hpp>
#include <millrace/queue/inspect.hpp>

#include "arguments.hpp"
#include "interruption.hpp"
#include "quantities.hpp"
#include "streams.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

struct link_arguments {
  std::string name;
  queue_options options;
  std::string listen;
  std::string connect;
  bool encrypted = false;  // with the system's authorities, if tls names none
  tls_options tls;
};

/// What happens when a peer is not trusted is said on standard error, once as long as it is the
/// same.
std::optional<tls_options> tls_of(const link_arguments& arguments) {
  tls_options tls = arguments.tls;
  if (!arguments.encrypted && tls.certificate.empty() && tls.key.empty() && tls.ca.empty()) {
    return std::nullopt;
  }
  // Shared, as each link that a forwarder makes has a copy of the function.
  tls.on_untrusted = [said = std::make_shared<std::string>()](const std::string& peer,
                                                              const std::string& why) {
    const std::string host = peer.substr(0, peer.rfind(':'));
    std::string text = fmt::format("millrace: {} is not trusted: {}\n", host, why);
    if (text != *said) {
      write_error_text(text);
      *said = std::move(text);
    }
  };
  return tls;
}

exit_code ended(const link_arguments& arguments, status how) {
  switch (how) {
  case status::cancelled:
    return exit_code::ok;  // a signal, which is how it is meant to end
  case status::removed:
    throw failure(
        exit_code::failed,
        fmt::format("queue {} was removed; what was on its way went with it", arguments.name));
  case status::too_large:
    throw failure(exit_code::failed,
                  fmt::format("a message of queue {} does not fit into the queue at {}; it is in "
                              "queue {} still: make the other one with a larger --capacity",
                              arguments.name, arguments.connect, arguments.name));
  default:
    throw failure(exit_code::failed,
                  fmt::format("the link of queue {} ended: {}", arguments.name, to_string(how)));
  }
}

exit_code collect(const link_arguments& arguments, const std::stop_token& stop) {
  queue_collector collector(publisher(arguments.name, arguments.options), arguments.listen,
                            tls_of(arguments));
  write_text(collector.address() + '\n');
  return ended(arguments, collector.run(stop));
}

exit_code forward(const link_arguments& arguments, const std::stop_token& stop) {
  queue_options options = arguments.options;
  options.open = opening::open_only;
  subscriber from(arguments.name, options);
  const std::size_t slots = millrace::stat(arguments.name, options.directory).slots;
  queue_forwarder forwarder(std::move(from), arguments.connect, slots / 4, tls_of(arguments));
  // Says on standard error when the other side goes, and when it is there again.
  const std::jthread watching([&](const std::stop_token& end) {
    auto said = link_status::ok;
    while (!end.stop_requested()) {
      const link_status now = forwarder.last_failure();
      if (now != said) {
        write_error_text(fmt::format("millrace: {}: {}\n", arguments.connect,
                                     now == link_status::ok
                                         ? "connected again"
                                         : fmt::format("{}; trying again", to_string(now))));
        said = now;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  return ended(arguments, forwarder.run(stop));
}

}  // namespace

void add_link(CLI::App& app, verb& chosen) {
  auto arguments = std::make_shared<link_arguments>();
  CLI::App& link = *app.add_subcommand("link", "Join a queue here to a queue on another machine");
  link.footer(
      "One side takes messages from its queue and connects; the other side listens, puts them "
      "into\n"
      "its queue, which it makes if there is none, and prints the address that it listens at. A\n"
      "message leaves the one queue when the other has it. Both go on until interrupted.\n"
      "Without TLS nothing is encrypted, and whoever can connect may: listen where only those can\n"
      "connect who may. With it the side that listens shows a certificate, and asks for one if it\n"
      "has a --tls-ca; the side that connects checks it, and needs no more than --tls if one of "
      "the\n"
      "system's authorities has signed it.");
  link.add_option("--listen", arguments->listen,
                  "Put messages that come in at this address into the queue")
      ->type_name("HOST:PORT");
  link.add_option("--connect", arguments->connect,
                  "Send messages from the queue to whoever listens there")
      ->type_name("HOST:PORT");
  link.add_option("--queue", arguments->name, "The queue's name")->required()->type_name("NAME");
  link.add_flag("--tls", arguments->encrypted,
                "Use TLS; trust those whom the system trusts, if there is no --tls-ca");
  must_name_a_file(*link.add_option("--tls-ca", arguments->tls.ca,
                                    "Use TLS; whose signature the other side's certificate needs"));
  must_name_a_file(*link.add_option("--tls-certificate", arguments->tls.certificate,
                                    "Use TLS; the certificate to show"));
  must_name_a_file(*link.add_option("--tls-key", arguments->tls.key, "Its key"));
  add_sizes(link, arguments->options);
  add_permissions(link, arguments->options);
  add_directory(link, arguments->options.directory);
  link.callback([arguments, &chosen] {
    if (arguments->listen.empty() == arguments->connect.empty()) {
      throw failure(exit_code::usage, "link takes either --listen or --connect, and an address");
    }
    chosen = [arguments] {
      const interruption signals;
      return arguments->connect.empty() ? collect(*arguments, signals.token())
                                        : forward(*arguments, signals.token());
    };
  });
}

}  // namespace millrace::cli
