// A worker pool: ten thousand accounts, each a coroutine with a message box of its own, on two
// threads. What goes wrong ends one worker, is reported, and disturbs nobody else.
#include <atomic>
#include <stdexcept>

#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/millrace.hpp>

namespace {

constexpr int accounts = 10'000;
constexpr int overdrawn_one = 7;

using account_pool = millrace::worker_pool<int, int>;
using inbox = account_pool::inbox_type;

std::atomic<long> total = 0;

millrace::task<> account(int number, const inbox& transfers) {
  long balance = 0;
  while (const auto amount = co_await transfers.receive()) {  // nothing any more once removed
    balance += *amount;
    if (balance < 0) {
      throw std::runtime_error(fmt::format("account {} is overdrawn by {}", number, -balance));
    }
  }
  total += balance;
}

}  // namespace

int main() {
  boost::asio::thread_pool threads(2);
  account_pool pool(
      millrace::asio_executor(threads.get_executor()),
      [](const int& number, const inbox& transfers, std::stop_token) {
        return account(number, transfers);
      },
      {},
      [](const millrace::pool_report<int>& r) {
        try {
          fmt::print("{}, account {}\n", to_string(r.event), *r.key);
          if (r.error) {
            std::rethrow_exception(r.error);
          }
        } catch (const std::exception& e) {
          fmt::print("  {}\n", e.what());
        }
      });

  for (int number = 0; number < accounts; ++number) {
    pool.initialize(number, 100);  // the first transfer comes with it
  }
  for (int number = 0; number < accounts; ++number) {
    pool.dispatch(number, number == overdrawn_one ? -1000 : -30);
  }
  pool.dispatch(accounts, 50);  // nobody's
  pool.stop();                  // when all have done what they were sent

  fmt::print("{} in all\n", total.load());
  return total == (accounts - 1) * 70 ? 0 : 1;
}
