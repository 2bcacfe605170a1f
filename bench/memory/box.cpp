// The memory of media mixing, round after round; see rounds.hpp.
#include <memory>

#include "../boxes/runners.hpp"
#include "../workloads/media_mixing.hpp"
#include "rounds.hpp"

int main(int count, char** words) {
  return bench::print_rounds(count, words, [] {
    return [runner = std::make_unique<bench::coroutine_runner>(2)](auto say) {
      bench::media_mixing::run({.dsps = 100, .groups = 1000, .members = 4}, runner->where());
      say();
    };
  });
}
