// Fuzzing: a sound queue in use, whose memory is written to between the operations. An input is a
// list of operations, some of which are such writes.
#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <millrace/millrace.hpp>

#include "fuzz/input.hpp"
#include "fuzz/queue_file.hpp"
#include "support/damage.hpp"

using fuzz::survive;
using millrace::status;

namespace {

/// Two handles on each side, and what they have in their hands.
class actors {
 public:
  explicit actors(const test::mapped_bytes& memory) : memory_(memory) {}

  void act(fuzz::input& in) {
    const auto what = in.next<std::uint8_t>();
    const std::size_t which = what >> 7;
    auto& p = publishers_[which];
    auto& s = subscribers_[which];
    switch (what % 32) {
    case 0:
    case 1:
      return open(p);
    case 2:
    case 3:
      return open(s);
    case 4:
      return p.reset();
    case 5:
      return s.reset();
    case 6:
    case 7:
    case 8:
      return enqueue(p, in);
    case 9:
    case 10:
    case 11:
      return dequeue(s);
    case 12:
      return dequeue_copy(s, in);
    case 13:
      return finish();
    case 14:
      return requeue();
    case 15:
      return batch(p, in);
    case 16:
      return reserve(p, in);
    case 17:
      return commit(in);
    case 18:
      return room_.reset();
    case 19:
      return wait(p, s, in);
    case 20:
      return look(in);
    case 21:
      return fill(p, in);
    case 22:
      return drain(s);
    case 23:
      if (in.next<std::uint8_t>() % 8 == 0) {
        (void)millrace::remove("q", fuzz::options().directory);
      }
      return;
    default:
      return damage(in);
    }
  }

 private:
  /// Up to a little more than a message can have.
  static std::vector<std::byte> message(fuzz::input& in) {
    return std::vector<std::byte>(in.next<std::uint8_t>() * 9, std::byte{7});
  }

  template <class Handle>
  static void open(std::optional<Handle>& handle) {
    handle.reset();
    handle.emplace("q", fuzz::options());
  }

  static void enqueue(std::optional<millrace::publisher>& p, fuzz::input& in) {
    const auto bytes = message(in);
    if (p) {
      (void)p->try_enqueue(bytes);
    }
  }

  static void fill(std::optional<millrace::publisher>& p, fuzz::input& in) {
    const auto bytes = message(in);
    for (std::size_t i = 0; p && i < 2 * fuzz::slots; ++i) {
      (void)p->try_enqueue(bytes);
    }
  }

  static void batch(std::optional<millrace::publisher>& p, fuzz::input& in) {
    std::vector<std::vector<std::byte>> owned(in.next<std::uint8_t>() % 8);
    std::vector<std::span<const std::byte>> all;
    for (auto& bytes : owned) {
      bytes = message(in);
      all.emplace_back(bytes);
    }
    if (p) {
      (void)p->try_enqueue_batch(all);
    }
  }

  void keep(std::optional<millrace::message> m, std::size_t longest) {
    if (m) {
      fuzz::must(m->bytes().size() <= longest);
      fuzz::read(m->bytes());
      loans_.push_back(std::move(*m));
    }
  }

  void dequeue(std::optional<millrace::subscriber>& s) {
    if (s) {
      keep(s->try_dequeue(), s->max_message_size());
    }
  }

  static void drain(std::optional<millrace::subscriber>& s) {
    for (std::size_t i = 0; s && i < 2 * fuzz::slots; ++i) {
      if (const auto m = s->try_dequeue()) {
        fuzz::must(m->bytes().size() <= s->max_message_size());
        fuzz::read(m->bytes());
      }
    }
  }

  static void dequeue_copy(std::optional<millrace::subscriber>& s, fuzz::input& in) {
    auto buffer = message(in);
    std::size_t size = 0;
    if (s && s->try_dequeue(buffer, size) == status::ok) {
      fuzz::must(size <= buffer.size());
    }
  }

  void finish() {
    if (!loans_.empty()) {
      loans_.pop_back();
    }
  }

  void requeue() {
    if (!loans_.empty()) {
      auto last = std::move(loans_.back());
      loans_.pop_back();
      last.requeue();
    }
  }

  void reserve(std::optional<millrace::publisher>& p, fuzz::input& in) {
    const auto size = in.next<std::uint8_t>() * 9U;
    if (p) {
      room_.reset();
      room_ = p->try_reserve(size);
    }
    if (room_) {
      std::ranges::fill(room_->bytes(), std::byte{9});
    }
  }

  void commit(fuzz::input& in) {
    const auto used = in.next<std::uint8_t>() * 9U;
    if (room_) {
      (void)room_->commit(used);
      room_.reset();
    }
  }

  void wait(std::optional<millrace::publisher>& p, std::optional<millrace::subscriber>& s,
            fuzz::input& in) {
    const auto bytes = message(in);
    const std::chrono::microseconds time(in.next<std::uint8_t>());
    if (p) {
      (void)p->enqueue_for(bytes, time);
    }
    if (s) {
      keep(s->dequeue_for(time), s->max_message_size());
    }
  }

  static void look(fuzz::input& in) {
    const auto directory = fuzz::options().directory;
    if (in.next<std::uint8_t>() % 2 == 0) {
      (void)millrace::stat("q", directory);
    } else {
      for (const auto& m : millrace::peek("q", 1000, directory)) {
        fuzz::read(m.bytes);
      }
    }
  }

  void damage(fuzz::input& in) {
    const auto how = in.next<std::uint8_t>();
    const std::size_t at =
        test::damaged_place(how & 7U, in.next<std::uint16_t>(), fuzz::slots, memory_.size());
    const unsigned kind = (how >> 3) % test::damaged_kinds;
    const auto argument =
        kind == 2 ? in.next<std::uint64_t>() : std::uint64_t{in.next<std::uint16_t>()};
    const auto word = memory_.word(at);
    word.store(test::damaged_value(kind, argument, word.load()));
  }

  const test::mapped_bytes& memory_;
  std::array<std::optional<millrace::publisher>, 2> publishers_;
  std::array<std::optional<millrace::subscriber>, 2> subscribers_;
  std::vector<millrace::message> loans_;
  std::optional<millrace::reservation> room_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const auto kind = in.next<std::uint8_t>();
  fuzz::place(fuzz::fresh(millrace::lifetime{(kind & 16) != 0}, millrace::delivery{(kind & 1) != 0},
                          millrace::role{(kind & 2) != 0}, millrace::role{(kind & 4) != 0}));
  {
    const test::mapped_bytes memory(fuzz::options().directory / "q");
    actors all(memory);
    for (int i = 0; i < 200 && !in.empty(); ++i) {
      survive([&] { all.act(in); });
    }
  }
  fuzz::clear();
  return 0;
}
