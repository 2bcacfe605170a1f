// Coroutines: a thousand senders that wait for room in one box, on two threads. A coroutine that
// waits costs a few hundred bytes, and no thread.
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/millrace.hpp>

namespace {

constexpr int senders = 1000;
constexpr int messages_each = 100;

using number_box = millrace::message_box<int, millrace::blocking>;

millrace::task<> send(millrace::async_input<number_box::input_type> to) {
  for (int i = 0; i < messages_each; ++i) {
    co_await to.deliver(i);
  }
}

millrace::task<int> receive_all(millrace::async_inbox<int, millrace::blocking> from) {
  int received = 0;
  while (co_await from.receive()) {  // nothing any more once the last input is gone
    ++received;
  }
  co_return received;
}

}  // namespace

int main() {
  boost::asio::thread_pool pool(2);
  const millrace::scheduler on_pool = millrace::asio_executor(pool.get_executor());

  number_box numbers({.limit = 64});
  millrace::task_group group(on_pool);
  for (int i = 0; i < senders; ++i) {
    group.spawn(send(numbers.new_input().on(on_pool)));
  }
  const int received = millrace::sync_wait(on_pool, receive_all(numbers.on(on_pool)));
  group.wait();
  fmt::print("{} messages of {} senders\n", received, senders);
  return received == senders * messages_each ? 0 : 1;
}
