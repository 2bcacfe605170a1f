// Batch: several messages enter the queue at once or not at all, whatever happens to the publisher
// meanwhile. What to learn here: try_enqueue_batch, and that its answer `full` leaves nothing
// behind. It is also faster than one message at a time.
//
// Here, a shop's order is a batch: its head, then a message for every article in it.
#include <array>
#include <span>
#include <string>
#include <string_view>

#include <fmt/core.h>
#include <millrace/millrace.hpp>

int main(int argc, char** argv) try {
  const std::string name = argc > 1 ? argv[1] : "sample.batch";
  millrace::remove(name);
  // 64 slots, a short message takes one.
  millrace::publisher shop(
      name, {.capacity = 64 * 64, .block_size = 64, .life = millrace::lifetime::transient});
  millrace::subscriber warehouse(name);

  constexpr std::array<std::string_view, 3> order = {"order of 2", "coffee", "cups"};
  std::array<std::span<const std::byte>, order.size()> messages;
  for (std::size_t i = 0; i < order.size(); ++i)
    messages[i] = std::as_bytes(std::span(order[i]));

  unsigned sent = 0;
  while (shop.try_enqueue_batch(messages) == millrace::status::ok)
    ++sent;
  fmt::print("{} orders in the queue, then it was {}\n", sent, to_string(shop.last_status()));

  unsigned received = 0;
  for (; auto head = warehouse.try_dequeue(); ++received) {
    if (head->text() != order[0])
      throw std::runtime_error("an order begins in the middle");
    for (std::size_t i = 1; i < order.size(); ++i)
      if (const auto article = warehouse.try_dequeue(); !article || article->text() != order[i])
        throw std::runtime_error("an order is not complete");
  }
  fmt::print("{} orders received, each of them complete\n", received);
  return sent > 0 && received == sent ? 0 : 1;
} catch (const std::exception& failure) {
  fmt::print(stderr, "batch: {}\n", failure.what());
  return 1;
}
