// Exclusive roles: a queue that is made for one publisher and one subscriber at a time is faster,
// and refuses a second one. What to learn here: role::exclusive, the error that tells who was
// refused, and that the next one may come when the first has left.
#include <chrono>
#include <optional>
#include <string>

#include <fmt/core.h>
#include <millrace/millrace.hpp>

// Nanoseconds to publish a short message and take it out again, on this thread.
double pair_time(const std::string& name, millrace::role both) {
  constexpr int pairs = 500'000;
  millrace::remove(name);
  const millrace::queue_options options{
      .life = millrace::lifetime::transient, .publishers = both, .subscribers = both};
  millrace::publisher in(name, options);
  millrace::subscriber out(name, options);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < pairs; ++i)
    if (in.try_enqueue("a word") != millrace::status::ok || !out.try_dequeue())
      throw std::runtime_error("a message did not come through");
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start)
             .count() /
         pairs;
}

bool refused(const std::string& name) {
  try {
    millrace::publisher second(name);
    return false;
  } catch (const millrace::error& error) {
    fmt::print("a second publisher: {}\n", error.what());
    return error.code() == millrace::errc::role_taken;
  }
}

int main(int argc, char** argv) try {
  const std::string name = argc > 1 ? argv[1] : "sample.exclusive";
  fmt::print("a message in and out: {:.0f} ns shared, {:.0f} ns exclusive\n",
             pair_time(name, millrace::role::shared), pair_time(name, millrace::role::exclusive));

  millrace::subscriber reader(
      name, {.life = millrace::lifetime::transient, .publishers = millrace::role::exclusive});
  std::optional<millrace::publisher> first(name);
  if (!refused(name))
    return 1;
  first.reset();
  millrace::publisher next(name);  // the place is free again
  if (next.try_enqueue("my turn") != millrace::status::ok)
    return 1;
  const auto received = reader.try_dequeue();
  fmt::print("the next one: {}\n", received ? received->text() : "nothing");
  return received ? 0 : 1;
} catch (const std::exception& failure) {
  fmt::print(stderr, "exclusive: {}\n", failure.what());
  return 1;
}
