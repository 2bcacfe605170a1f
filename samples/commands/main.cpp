// Commands: a book store, and a customer in another thread. What to learn here: cast for what needs
// no answer, call for what does, call_async to ask for several things at once, a handler with a
// function for each command, and what a call says that has no reply.
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include <fmt/core.h>
#include <millrace/millrace.hpp>

using namespace std::chrono_literals;
using millrace::reply_box;

// What one can tell a store, and what it replies.
struct donate {
  std::string title;
  using returns = millrace::fire_and_forget;
};
struct buy {
  std::string title;
  using returns = millrace::returns<int>;  // how many are left
};
struct count_books {
  using returns = millrace::returns<int>;
};
using book_store = millrace::protocol<donate, buy, count_books>;
using message_box = millrace::message_box<book_store::message, millrace::blocking>;

// It does not compile if a command is left out.
class shelves {
 public:
  void operator()(donate&& d) { ++copies_[std::move(d.title)]; }

  auto operator()(buy&& b, reply_box<int> reply) {
    const auto found = copies_.find(b.title);
    if (found == copies_.end() || found->second == 0)
      return fail(reply, "no " + b.title + " here");
    return reply_to(reply, --found->second);
  }

  auto operator()(count_books&&, reply_box<int> reply) {
    int all = 0;
    for (const auto& [title, copies] : copies_)
      all += copies;
    return reply_to(reply, all);
  }

 private:
  std::map<std::string, int> copies_;
};

bool visit(message_box::input_type store) {
  // The store's commands are handled in the order in which they are sent here.
  for (const char* title : {"Emma", "Persuasion", "Emma"})
    if (!cast(store, donate{title}))
      return false;

  const auto bought = call(store, buy{"Emma"}, 10s);
  if (!bought)
    return false;
  fmt::print("bought Emma, {} left\n", *bought);

  const auto missed = call(store, buy{"Sanditon"}, 10s);
  if (missed || missed.error().code != millrace::command_errc::failed)
    return false;
  fmt::print("call {}: {}\n", missed.error().id.value(), missed.error().why);

  // Two calls under way at once; a coroutine would co_await the replies.
  auto second = call_async(store, buy{"Persuasion"});
  auto books = call_async(store, count_books{});
  if (!second.wait_for(10s) || !books.wait_for(10s))
    return false;
  const int left = books.try_take().value().value();
  fmt::print("{} left of all\n", left);
  return second.try_take().value().value() == 0 && *bought == 1 && left == 1;
}

int main() try {
  message_box desk({.limit = 16});
  bool content = false;
  {
    const std::jthread customer(
        [&content, store = desk.new_input()]() mutable { content = visit(std::move(store)); });
    shelves books;
    for (auto& message : desk)  // until the last input is gone
      handle(std::move(message), books);
  }
  return content ? 0 : 1;
} catch (const std::exception& failure) {
  fmt::print(stderr, "commands: {}\n", failure.what());
  return 1;
}
