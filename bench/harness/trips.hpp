// Times round trips one by one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "measure.hpp"
#include "pace.hpp"

namespace bench {

inline constexpr std::uint64_t warm_up_trips = 1000;

struct times {
  double total;           // seconds
  double p50, p99, p999;  // nanoseconds
};

inline double quantile(const std::vector<std::uint32_t>& sorted, double q) {
  const auto rank = std::ceil(q * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

/// Calls trip(number) `count` times after a warm-up. There is one look at the clock per trip, which
/// ends one and begins the next.
template <class Trip>
times time_trips(std::uint64_t count, Trip trip) {
  std::vector<std::uint32_t> samples(count);
  for (std::uint64_t i = 0; i < warm_up_trips; ++i)
    trip(i);
  const std::int64_t begin = now();
  std::int64_t before = begin;
  for (std::uint64_t i = 0; i < count; ++i) {
    trip(warm_up_trips + i);
    const std::int64_t after = now();
    samples[i] = static_cast<std::uint32_t>(std::min<std::int64_t>(after - before, UINT32_MAX));
    before = after;
  }
  std::sort(samples.begin(), samples.end());
  return {.total = static_cast<double>(before - begin) * 1e-9,
          .p50 = quantile(samples, 0.5),
          .p99 = quantile(samples, 0.99),
          .p999 = quantile(samples, 0.999)};
}

inline void benchmark_trips(benchmark::State& state, times (*trips)(std::uint64_t)) {
  measure(state, [&](std::uint64_t count) {
    const times t = trips(count);
    state.counters["p50_ns"] = t.p50;
    state.counters["p99_ns"] = t.p99;
    state.counters["p999_ns"] = t.p999;
    return t.total;
  });
}

}  // namespace bench
