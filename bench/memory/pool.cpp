// The memory of a hundred thousand workers with three messages each, round after round, while all
// of them are there; see rounds.hpp.
#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <stop_token>

#include <boost/asio/thread_pool.hpp>

#include <millrace/box/asio_executor.hpp>
#include <millrace/pool/worker_pool.hpp>

#include "rounds.hpp"

namespace {

constexpr int workers = 100'000;
constexpr std::int64_t messages = 3;

template <class Say>
void live(const millrace::scheduler& where, Say say) {
  std::atomic<std::int64_t> sum = 0;
  {
    millrace::worker_pool<int, std::int64_t> pool(
        where, [&](const int&, const auto& box, std::stop_token) -> millrace::task<> {
          while (const auto m = co_await box.receive()) {
            sum += *m;
          }
        });
    for (int k = 0; k < workers; ++k) {
      pool.initialize(k);
    }
    for (std::int64_t m = 1; m <= messages; ++m) {
      for (int k = 0; k < workers; ++k) {
        pool.dispatch(k, m);
      }
    }
    say();
  }
  if (sum != workers * messages * (messages + 1) / 2) {
    throw std::runtime_error("messages were lost");
  }
}

}  // namespace

int main(int count, char** words) {
  return bench::print_rounds(count, words, [] {
    return [threads = std::make_unique<boost::asio::thread_pool>(2)](auto say) {
      live(millrace::asio_executor(threads->get_executor()), say);
    };
  });
}
