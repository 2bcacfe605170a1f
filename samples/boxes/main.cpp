// Boxes: messages of any movable type between the threads of one program. One desk, three
// customers; each has an input of its own, and the desk is done when the last one has left.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <millrace/millrace.hpp>

namespace {

struct order {
  std::unique_ptr<std::string> what;  // messages are moved, never copied
  int pieces;
};

constexpr int orders_each = 1000;

}  // namespace

int main() {
  millrace::message_box<order, millrace::blocking> desk({.limit = 16});  // full: deliver waits

  std::vector<std::jthread> customers;
  for (const char* seeds : {"sunflower", "poppy", "cornflower"}) {
    customers.emplace_back([in = desk.new_input(), seeds]() mutable {
      for (int i = 1; i <= orders_each; ++i) {
        if (!in.deliver({std::make_unique<std::string>(seeds), i})) {
          return;  // the desk was closed, and the order is still ours
        }
      }
    });
  }

  int orders = 0;
  int pieces = 0;
  for (const order& o : desk) {  // ends when all inputs are gone and the box is empty
    ++orders;
    pieces += o.pieces;
  }
  fmt::print("{} orders, {} pieces\n", orders, pieces);
  return orders == 3 * orders_each ? 0 : 1;
}
