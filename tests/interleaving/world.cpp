// The state of the exploration: beginning, steps, deaths, and its hash.
#include "world.hpp"

#include <cstring>

#include "actors.hpp"
#include "properties.hpp"

namespace millrace::interleaving {

world now;
configuration plan;
unsigned running = most_processes;

namespace {

struct hash {
  std::uint64_t value = 0x9e3779b97f4a7c15U;

  void add(const void* bytes, std::size_t size) {
    const auto* at = static_cast<const std::byte*>(bytes);
    std::uint64_t a = value, b = ~value;
    for (; size >= 16; size -= 16, at += 16) {
      a = mixed(a ^ at_word(at));
      b = mixed(b ^ at_word(at + 8));
    }
    if (size != 0) {
      a = mixed(a ^ at_word(at));
    }
    value = mixed(a ^ (b << 1 | b >> 63));
  }

 private:
  static std::uint64_t at_word(const std::byte* at) {
    std::uint64_t w;
    std::memcpy(&w, at, sizeof w);
    return w;
  }
  static std::uint64_t mixed(std::uint64_t x) {
    __extension__ using wide = unsigned __int128;
    const wide m = static_cast<wide>(x + 0xa0761d6478bd642fU) * 0xd6e8feb86659fd93U;
    return static_cast<std::uint64_t>(m) ^ static_cast<std::uint64_t>(m >> 64);
  }
};
static_assert(sizeof(world) % 8 == 0);

/// The bytes of a process that tell what it will do: its stack, all registers included.
void note_stack(unsigned who) {
  hash h;
  const auto bytes = fiber::live(who);
  h.add(bytes.data(), bytes.size());
  now.processes[who].digest = h.value;
}

void run(unsigned who) {
  running = who;
  fiber::resume(who);
  running = most_processes;
  if (now.processes[who].next.what == act::rest) {
    fiber::wipe_below(who);
  }
  note_stack(who);
}

void let_go_of_leases(unsigned who) {
  for (auto& holder : now.lease_holder) {
    if (holder == who + 1) {
      holder = 0;
    }
  }
}

}  // namespace

std::span<std::byte> buffer_of(unsigned who) {
  return now.buffers[who];
}

bool stuck(unsigned owner) {
  const life is = now.processes[owner].is;
  const unsigned holder = now.lease_holder[owner];
  return is == life::frozen ||
         (is == life::dead && holder != 0 && now.processes[holder - 1].is == life::frozen);
}

void begin(const configuration& c) {
  if (&plan != &c) {
    plan = c;
  }
  std::memset(static_cast<void*>(&now), 0, sizeof now);
  forget_violation();
  const auto lap = static_cast<std::uint32_t>(plan.first_lap);
  for (unsigned i = 0; i < plan.slots(); ++i) {
    now.slots[i].word.set(word::free(lap).bits);
  }
  now.where.publish.set(plan.first_lap << plan.slots_log2);
  now.where.subscribe.set(plan.first_lap << plan.slots_log2);
  now.kills = plan.kills;
  now.freezes = plan.freezes;
  now.revocations = plan.revocations;
  now.returns = plan.returns;
  now.departures = plan.departures;
  now.hint_falls = plan.hint_falls;
  now.slices = plan.slices;
  for (unsigned who = 0; who < most_processes; ++who) {
    fiber::abandon(who);
    if (who < plan.processes()) {
      start(who);
    }
  }
}

void start(unsigned who) {
  process& p = now.processes[who];
  p = {};
  p.is = life::running;
  now.lease_holder[who] = static_cast<std::uint8_t>(who + 1);
  now.dirty[who] = true;
  fiber::prepare(who, plan.publishes(who) ? publish : subscribe);
  run(who);
}

void step(unsigned who, unsigned answer) {
  process& p = now.processes[who];
  p.answer = static_cast<std::uint8_t>(answer);
  if (p.next.what == act::leave) {
    p = {};
    p.is = life::left;
    now.dirty[who] = false;
    let_go_of_leases(who);
    now.handles[who] = {};
    now.buffers[who] = {};
    fiber::abandon(who);
    return;
  }
  run(who);
}

void kill(unsigned who) {
  process& p = now.processes[who];
  note_loss(who);
  p = {};
  p.is = life::dead;
  let_go_of_leases(who);
  now.handles[who] = {};
  now.buffers[who] = {};
  fiber::abandon(who);
  now.struck = true;
  everybody_may_look();
}

void everybody_may_look() {
  for (auto& p : now.processes) {
    p.changed = p.is == life::running;
  }
}

std::uint64_t digest_of_now() {
  hash h;
  h.add(&now, sizeof now);
  return h.value;
}

}  // namespace millrace::interleaving
