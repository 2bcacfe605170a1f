// One operation that is cut off at one instruction, and what must hold then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fault/single_step/arena.hpp"
#include "support/traced.hpp"

namespace single_step {

/// Made afresh for every instruction. All but victim() run in the test's own process, and throw
/// where something is not as promised.
class trial {
 public:
  trial() = default;
  trial(const trial&) = delete;
  trial& operator=(const trial&) = delete;
  virtual ~trial() = default;

  /// The victim's process: prepares, test::marker(), the operation, test::marker(), leaves. Its
  /// exit code is 0 if its operation did what it should.
  virtual int victim() = 0;
  /// Between the victim's start, at whose end it stands at its first marker, and its operation, by
  /// when it stands at the one before it.
  virtual void lead(test::traced&) {}

  /// After the victim was killed. How far its operation had come, as the survivors can tell: never
  /// less after more instructions.
  virtual int judge_death() = 0;
  /// How far that is after all instructions.
  [[nodiscard]] virtual int whole() const = 0;

  /// Whether the operation allocates so much that one victim comes to an instruction by another way
  /// than the one before, and how far they come cannot be compared.
  [[nodiscard]] virtual bool allocates() const { return false; }

  /// While the victim is stopped: the others go on.
  virtual void go_on() = 0;
  /// After the victim went on, and left.
  virtual void judge_return() = 0;
};

struct named_trial {
  std::string name;
  /// For the victim's fate at instruction `k`, which matters where there are two victims.
  std::function<std::unique_ptr<trial>(fate, std::size_t k)> make;
  /// An instruction that it comes by, if it does what its name says. 0: any.
  std::uintptr_t comes_by = 0;
};

void add_publishing(std::vector<named_trial>& all);
void add_subscribing(std::vector<named_trial>& all);
void add_recovering(std::vector<named_trial>& all);
void add_joining(std::vector<named_trial>& all);
void add_ending(std::vector<named_trial>& all);
void add_waking(std::vector<named_trial>& all);

}  // namespace single_step
