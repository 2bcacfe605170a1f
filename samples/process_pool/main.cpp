// Parsers of documents as processes of their own: this program is the pool's owner and, started
// again by the pool, its workers. One document makes a parser crash; the others never hear of it.
#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <millrace/millrace.hpp>

namespace {

void count_words(const millrace::worker_request& r, millrace::worker_reply& reply) {
  const std::string_view text = r.text();
  if (text.empty()) {
    throw std::invalid_argument("an empty document");
  }
  if (text.find('\0') != std::string_view::npos) {
    std::_Exit(1);  // as a parser would that such a document can crash
  }
  (void)reply.send(std::to_string(1 + std::ranges::count(text, ' ')));
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto seat = millrace::worker_seat::find(argc, argv)) {
    return millrace::serve(*seat, count_words);  // a worker, until the pool stops
  }
  using namespace std::string_literals;
  millrace::process_pool parsers(
      {.workers = 2, .on_death = millrace::after_death::report});  // of this program

  const std::vector documents{"the quick brown fox"s, "one\0two"s, ""s, "jumps over it"s};
  std::vector<millrace::pending_reply> replies(documents.size());
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (parsers.send(i, documents[i], replies[i]) != millrace::status::ok) {
      return 1;
    }
  }
  std::string told;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (replies[i].wait() != millrace::status::ok) {
      return 1;
    }
    const auto how = to_string(replies[i].outcome());
    fmt::print("document {}, worker {}: {} {}\n", i, parsers.worker_of(i), how, replies[i].text());
    told += fmt::format("{} {};", how, replies[i].text());
  }
  fmt::print("worker 1 died {} time(s)\n", parsers.worker(1).deaths);
  const bool drained = parsers.drain() == millrace::status::ok;
  return drained && told == "answered 4;died ;threw an empty document;answered 3;" ? 0 : 1;
}
