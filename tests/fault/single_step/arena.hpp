// A fresh queue of 64 slots with those who survive: what they send, get, and find afterwards.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/scratch.hpp"

namespace single_step {

/// A message, told by its looks: numbered ones are the survivors', others the victim's.
using name = int;

/// That of the victim's message of `size` bytes.
[[nodiscard]] inline name victims(std::size_t size) {
  return -1 - static_cast<name>(size);
}
/// The bytes of a message. The survivors' are of sizes that no victim's has.
[[nodiscard]] test::bytes contents(name message);

struct arrival {
  name message;
  bool redelivered;
  friend bool operator==(const arrival&, const arrival&) = default;
};
/// Which message these bytes are. Throws if none.
[[nodiscard]] arrival recognised(std::span<const std::byte> bytes, bool redelivered);

/// What becomes of a victim at the chosen instruction.
enum class fate {
  killed,
  stopped  // by its tracer, which is the same to the others as by SIGSTOP; later it goes on
};

/// What a queue promises, and where in the ring a trial begins.
struct setting {
  millrace::role publishers = millrace::role::shared;
  millrace::role subscribers = millrace::role::shared;
  millrace::delivery guarantee = millrace::delivery::at_least_once;
  millrace::lifetime life = millrace::lifetime::persistent;
  bool present = true;    // the queue is there
  std::size_t begin = 3;  // slots of it that have been used before
};

class arena {
 public:
  static constexpr std::size_t slots = 64;
  static constexpr std::size_t block_size = 256;

  arena(const setting& how, fate victims);

  /// How victims and survivors open the queue.
  [[nodiscard]] millrace::queue_options options() const;

  /// The survivors' handles, opened if they are not.
  millrace::publisher& publisher();
  millrace::subscriber& subscriber();
  /// Closes the handle whose role a victim is to have, if it is exclusive.
  void lend_publishing();
  void lend_subscribing();
  /// Closes both, and forgets what was sent and received.
  void start_anew();

  /// Sends one or more numbered messages, waiting for room.
  void send(int count);
  [[nodiscard]] int sent() const { return sent_; }
  /// Waits for messages up to the latest that was sent.
  void receive();
  /// Sends and receives more than two laps of messages.
  void exchange();
  /// Takes what is there, without waiting.
  void look();
  /// Takes all there is until no slot is in use.
  void drain();
  [[nodiscard]] const std::vector<arrival>& received() const { return received_; }
  void note(arrival a) { received_.push_back(a); }

  /// Whether all of the ring can be used, and all who are gone leave no trace. Ends the arena.
  void inspect_and_close();

  [[nodiscard]] const test::scratch& directory() const { return directory_; }
  [[nodiscard]] millrace::queue_info info() const;

 private:
  void take(const std::optional<millrace::message>& m);

  setting how_;
  test::scratch directory_;
  std::size_t semaphores_before_;
  std::chrono::nanoseconds patience_;
  std::optional<millrace::publisher> publisher_;
  std::optional<millrace::subscriber> subscriber_;
  int sent_ = 0;
  std::vector<arrival> received_;
};

/// Throws unless the numbered messages from 0 up to `count` are there once each, none of them
/// redelivered, in order.
void check_numbered(const std::vector<arrival>& all, int count);
/// How often a message is there.
[[nodiscard]] int count_of(const std::vector<arrival>& all, name message);

}  // namespace single_step
