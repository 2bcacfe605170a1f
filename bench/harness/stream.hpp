// Streams messages from senders to receivers, a process each, and says how long it took.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "../peers/peer.hpp"
#include "measure.hpp"
#include "pace.hpp"
#include "payload.hpp"
#include "processes.hpp"

namespace bench {

/// What is done with the bytes of a message besides moving them.
enum class touching {
  // Nothing: the sender keeps sending one buffer, the receiver copies into one buffer; the first
  // and the last word are written and looked at.
  ends,
  // The sender makes the message, writing a word to each of its cache lines, and the receiver reads
  // a word from each: where it lies in the channel if that is possible, else in a buffer.
  lines,
};

namespace stream_parts {

inline constexpr unsigned most_processes = 8;
enum phase {
  warm_up,
  measured,
  phases
};

struct alignas(64) counter {
  std::atomic<std::uint64_t> value = 0;
};

struct phase_state {
  meeting begin;
  std::atomic<std::int64_t> first_send = std::numeric_limits<std::int64_t>::max();
  std::int64_t all_arrived = 0;
  std::atomic<unsigned> senders_done = 0;
  std::atomic<unsigned> receivers_done = 0;
  std::atomic<std::uint64_t> number_sum = 0;
  counter received[most_processes];

  [[nodiscard]] std::uint64_t arrived() const noexcept {
    std::uint64_t sum = 0;
    for (const counter& c : received)
      sum += c.value.load();
    return sum;
  }
};

struct state {
  meeting receivers_open;
  phase_state phases[stream_parts::phases];
};

inline void nap() {
  std::this_thread::sleep_for(std::chrono::microseconds(20));
}

inline void keep_least(std::atomic<std::int64_t>& kept, std::int64_t value) {
  for (auto seen = kept.load(); value < seen && !kept.compare_exchange_weak(seen, value);) {
  }
}

template <touching Touching, class Sender>
void send(Sender& sender, std::span<std::byte> buffer, label l, spinner& spin) {
  if constexpr (Touching == touching::lines) {
    const auto write = [&](std::span<std::byte> room) { fill(room, l); };
    if constexpr (requires { sender.send_in_place(buffer.size(), write); }) {
      while (!sender.send_in_place(buffer.size(), write))
        spin.pause();
      return;
    }
    write(buffer);
  } else {
    stamp(buffer, l);
  }
  while (!sender.send(buffer))
    spin.pause();
}

template <touching Touching, class Receiver>
label receive(Receiver& receiver, std::span<std::byte> buffer, spinner& spin) {
  label l{};
  const auto read = [&](std::span<const std::byte> message) {
    l = Touching == touching::lines ? read_filled(message, buffer.size())
                                    : read_stamp(message, buffer.size());
  };
  if constexpr (Touching == touching::lines && requires { receiver.receive_in_place(read); }) {
    while (!receiver.receive_in_place(read))
      spin.pause();
  } else {
    std::optional<std::size_t> size;
    while (!(size = receiver.receive(buffer)))
      spin.pause();
    benchmark::ClobberMemory();  // the whole of the buffer was wanted
    read(std::span(buffer.data(), *size));
  }
  return l;
}

template <touching Touching, channel C>
void run_sender(const C& c, const workload& w, unsigned index,
                const std::uint64_t (&counts)[phases], state& s) {
  s.receivers_open.wait_for(w.receivers);
  typename C::sender sender(c, index);
  const auto me = static_cast<std::uint8_t>(index);
  std::vector<std::byte> buffer(w.size, std::byte{0x5a});
  spinner spin(patience(w.senders + w.receivers, C::has_threads));
  for (const phase now_in : {warm_up, measured}) {
    phase_state& p = s.phases[now_in];
    p.begin.arrive_and_wait_for(w.senders + w.receivers);
    keep_least(p.first_send, now());
    for (std::uint64_t i = 0; i < counts[now_in]; ++i)
      send<Touching>(sender, buffer, {me, false, i}, spin);
    if (p.senders_done.fetch_add(1) + 1 < w.senders)
      continue;
    // The last sender to finish waits until everything has arrived, then tells the receivers.
    while (p.arrived() < w.senders * counts[now_in])
      nap();
    p.all_arrived = now();
    // Which of them gets a message is the peer's choice, so it goes on until all have been told.
    for (unsigned told = 0; (told = p.receivers_done) < w.receivers;) {
      send<Touching>(sender, buffer, {me, true, now_in}, spin);
      for (int naps = 0; naps < 20 && p.receivers_done == told; ++naps)
        nap();
    }
  }
  // Some peers drop what is on its way when its sender leaves.
  while (s.phases[measured].receivers_done < w.receivers)
    nap();
}

template <touching Touching, channel C>
void run_receiver(const C& c, const workload& w, unsigned index, state& s) {
  typename C::receiver receiver(c, index);
  s.receivers_open.arrive();
  std::vector<std::byte> buffer(w.size);
  spinner spin(patience(w.senders + w.receivers, C::has_threads));
  for (const phase now_in : {warm_up, measured}) {
    phase_state& p = s.phases[now_in];
    p.begin.arrive_and_wait_for(w.senders + w.receivers);
    account received;
    for (;;) {
      const label l = receive<Touching>(receiver, buffer, spin);
      if (l.last) {
        if (l.number == now_in)
          break;
        continue;  // one too many from the phase before
      }
      received.add(l);
      p.received[index].value.store(received.count(), std::memory_order_release);
    }
    p.number_sum.fetch_add(received.sum());
    ++p.receivers_done;
  }
}

}  // namespace stream_parts

/// Seconds from the first of `each` messages per sender until all have arrived, after a warm-up in
/// which the channel's memory was gone through twice. Every message is accounted for, or this
/// throws.
template <channel C, touching Touching>
double stream(const workload& w, std::uint64_t each) {
  using namespace stream_parts;
  const C c(w);
  shared<state> s;
  const std::uint64_t counts[phases] = {2 * w.depth, each};
  std::vector<process> processes;
  for (unsigned i = 0; i < w.receivers; ++i)
    processes.push_back(
        {[&, i] { run_receiver<Touching>(c, w, i, *s); }, C::has_threads ? any_cpu : 1});
  for (unsigned i = 0; i < w.senders; ++i)
    processes.push_back(
        {[&, i] { run_sender<Touching>(c, w, i, counts, *s); }, C::has_threads ? any_cpu : 0});
  run(processes);
  const phase_state& p = s->phases[measured];
  if (p.number_sum != w.senders * (each * (each - 1) / 2))
    throw failure("messages were lost");
  return static_cast<double>(p.all_arrived - p.first_send) * 1e-9;
}

/// The body of a benchmark whose iterations are messages.
template <channel C, touching Touching>
void benchmark_stream(benchmark::State& state, workload w) {
  w.wait = C::streams_by;
  measure(state, [&](std::uint64_t count) {
    const std::uint64_t each = (count + w.senders - 1) / w.senders;
    // What rounding up added is taken off the time again.
    return stream<C, Touching>(w, each) * static_cast<double>(count) /
           static_cast<double>(each * w.senders);
  });
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(w.size));
  state.counters["depth"] = static_cast<double>(w.depth);
}

}  // namespace bench
