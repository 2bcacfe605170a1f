// millrace bridge: joins a queue to a NATS JetStream stream until interrupted.
#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/link/nats_bridge.hpp>

#include "arguments.hpp"
#include "interruption.hpp"
#include "quantities.hpp"
#include "streams.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

struct bridge_arguments {
  std::string queue;
  queue_options options;
  bool to_nats = false;
  bool from_nats = false;
  std::string subject;
  std::string publish_to;
  bool no_create = false;
  bool skip_oversized = false;
  // What both directions have in common is set in the first and copied to the second.
  to_nats_options to;
  from_nats_options from;
};

void add_server(CLI::App& bridge, nats_server& server) {
  bridge
      .add_option("--nats", server.url,
                  "URLs of NATS servers, separated by commas; tls://HOST:PORT to use TLS")
      ->type_name("URL")
      ->capture_default_str();
  bridge.add_option("--user", server.user, "Who to be there")
      ->envname("NATS_USER")
      ->type_name("NAME");
  bridge.add_option("--password", server.password, "Seen by other users; better NATS_PASSWORD")
      ->envname("NATS_PASSWORD")
      ->type_name("TEXT");
  bridge.add_option("--token", server.token, "Seen by other users; better NATS_TOKEN")
      ->envname("NATS_TOKEN")
      ->type_name("TEXT");
  must_name_a_file(*bridge.add_option("--credentials", server.credentials, "A user's JWT and key")
                        ->envname("NATS_CREDS"));
  must_name_a_file(*bridge.add_option("--tls-ca", server.tls_ca,
                                      "Use TLS; whose signature a server's certificate needs"));
  must_name_a_file(*bridge.add_option("--tls-certificate", server.tls_certificate,
                                      "Use TLS; the certificate to show"));
  must_name_a_file(*bridge.add_option("--tls-key", server.tls_key, "Its key"));
}

void add_consumer(CLI::App& bridge, from_nats_options& from) {
  bridge
      .add_option("--consumer", from.consumer,
                  "With --from-nats: the durable consumer's name [the queue's]")
      ->type_name("NAME");
  bridge
      .add_option_function<std::int64_t>(
          "--max-ack-pending", [&from](std::int64_t count) { from.max_ack_pending = count; },
          "With --from-nats: messages that may be on their way [1000]")
      ->type_name("N");
  bridge
      .add_option_function<std::string>(
          "--ack-wait",
          [&from](const std::string& text) {
            const auto time = parse_duration(text);
            if (!time) {
              throw failure(
                  exit_code::usage,
                  fmt::format("--ack-wait cannot be '{}'; write a time such as 30s", text));
            }
            from.ack_wait = *time;
          },
          "With --from-nats: when the server delivers a message again [30s]")
      ->type_name("TIME");
}

/// `orders.>` and the like says what the stream holds; each queue then has a subject of its own.
std::string subject_to_publish(const bridge_arguments& arguments) {
  if (!arguments.publish_to.empty()) {
    return arguments.publish_to;
  }
  std::string subject = arguments.subject;
  if (subject.ends_with('>')) {
    subject.replace(subject.size() - 1, 1, arguments.queue);
  }
  if (subject.empty() || subject.find_first_of("*>") != std::string::npos) {
    throw failure(exit_code::usage,
                  fmt::format("cannot publish to subject '{}'; name one without wildcards with "
                              "--publish-to",
                              arguments.subject));
  }
  return subject;
}

void report_event(nats_event what, std::string_view text) {
  write_error_text(fmt::format("millrace: {}: {}\n", to_string(what), text));
}

bridge_result run_bridge(bridge_arguments& arguments, const std::stop_token& stop) {
  nats_stream& stream = arguments.to.stream;
  stream.create = !arguments.no_create;
  if (!arguments.subject.empty()) {
    stream.subjects = {arguments.subject};
  }
  const oversized when_oversized = arguments.skip_oversized ? oversized::skip : oversized::stop;
  if (arguments.to_nats) {
    arguments.to.subject = subject_to_publish(arguments);
    arguments.to.when_oversized = when_oversized;
    arguments.to.on_event = report_event;
    subscriber from(arguments.queue, arguments.options);
    return bridge_to_nats(from, arguments.to, stop);
  }
  from_nats_options& from = arguments.from;
  from.server = arguments.to.server;
  from.stream = stream;
  from.subject = arguments.subject;
  from.create_consumer = !arguments.no_create;
  from.when_oversized = when_oversized;
  from.on_event = report_event;
  if (from.consumer.empty()) {
    from.consumer = arguments.queue;
  }
  publisher to(arguments.queue, arguments.options);
  return bridge_from_nats(to, from, stop);
}

/// What to do about it.
std::string_view advice(errc code, const bridge_arguments& arguments) {
  switch (code) {
  case errc::permission_denied:
    return "; see --user, --token, --credentials and --tls-ca";
  case errc::not_found:
    return arguments.no_create ? "; without --no-create it would be made"
                               : "; say with --subject what it is to hold";
  default:
    return "";
  }
}

exit_code bridge(bridge_arguments& arguments) {
  const interruption signals;
  bridge_result result{};
  try {
    result = run_bridge(arguments, signals.token());
  } catch (const error& problem) {
    if (!std::string_view(problem.what()).starts_with("NATS: ")) {
      throw;  // about the queue: there is advice for that
    }
    throw failure(problem.code() == errc::invalid_option ? exit_code::usage : exit_code::failed,
                  fmt::format("{}{}", problem.what(), advice(problem.code(), arguments)));
  }
  write_text(fmt::format("{} messages, {} more were known already, {} too large\n",
                         with_commas(result.messages), with_commas(result.repeated),
                         with_commas(result.skipped)));
  if (result.ended == status::removed) {
    throw failure(exit_code::failed, fmt::format("queue {} was removed", arguments.queue));
  }
  return exit_code::ok;
}

}  // namespace

void add_bridge(CLI::App& app, verb& chosen) {
  auto arguments = std::make_shared<bridge_arguments>();
  CLI::App& bridge_verb =
      *app.add_subcommand("bridge", "Join a queue to a NATS JetStream stream until interrupted");
  bridge_verb.footer(
      "Queue, stream and consumer are made if there are none. A message leaves the queue when the\n"
      "stream has acknowledged it, and is acknowledged to the stream when the queue has it. With "
      "a\n"
      "subject like orders.> messages are published to orders.QUEUE. A server that is away is "
      "waited for.");
  bridge_verb.add_option("--queue", arguments->queue, "The queue's name")
      ->required()
      ->type_name("NAME");
  bridge_verb.add_option("--stream", arguments->to.stream.name, "The stream's name")
      ->required()
      ->type_name("NAME");
  bridge_verb
      .add_option("--subject", arguments->subject,
                  "What the stream holds and is published to; what to take from it")
      ->type_name("SUBJECT");
  CLI::App& direction = *bridge_verb.add_option_group("direction");
  direction.add_flag("--to-nats", arguments->to_nats, "From the queue into the stream");
  direction.add_flag("--from-nats", arguments->from_nats, "From the stream into the queue");
  direction.require_option(1);
  bridge_verb
      .add_option("--publish-to", arguments->publish_to,
                  "With --to-nats: publish to this subject [the one of --subject]")
      ->type_name("SUBJECT");
  bridge_verb
      .add_option("--window", arguments->to.window,
                  "With --to-nats: messages that may be on their way")
      ->type_name("N")
      ->capture_default_str();
  add_consumer(bridge_verb, arguments->from);
  bridge_verb.add_option("--replicas", arguments->to.stream.replicas, "Of a stream that is made")
      ->type_name("N")
      ->capture_default_str();
  bridge_verb.add_flag("--no-create", arguments->no_create,
                       "Fail if there is no such stream or consumer");
  bridge_verb.add_flag("--skip-oversized", arguments->skip_oversized,
                       "Go on without messages that can never fit, instead of ending");
  add_server(bridge_verb, arguments->to.server);
  add_sizes(bridge_verb, arguments->options);
  add_permissions(bridge_verb, arguments->options);
  add_directory(bridge_verb, arguments->options.directory);
  bridge_verb.callback(
      [arguments, &chosen] { chosen = [arguments] { return bridge(*arguments); }; });
}

}  // namespace millrace::cli
