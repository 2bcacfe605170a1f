// Round trips over two channels between two processes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "../peers/peer.hpp"
#include "pace.hpp"
#include "payload.hpp"
#include "processes.hpp"
#include "trips.hpp"

namespace bench {

/// A channel there and one back.
template <channel C, waiting Wait, std::size_t Size>
[[nodiscard]] times round_trips(std::uint64_t count) {
  const workload w = {
      .size = Size, .depth = std::min<std::size_t>(depth_for(Size), 64), .wait = Wait};
  const C there(w);
  const C back(w);
  struct state {
    meeting receivers_open;
    meeting done;
    times result;
  };
  shared<state> s;
  const auto end = [&](const C& in, const C& out, auto talk) {
    return [&, talk] {
      typename C::receiver receiver(in, 0);
      s->receivers_open.arrive_and_wait_for(2);
      typename C::sender sender(out, 0);
      std::vector<std::byte> message(Size);
      spinner spin(patience(2, C::has_threads));
      const auto send = [&](std::uint64_t number) {
        stamp(message, {0, false, number});
        while (!sender.send(message))
          spin.pause();
      };
      const auto receive = [&](std::uint64_t number) {
        std::optional<std::size_t> size;
        while (!(size = receiver.receive(message)))
          spin.pause();
        if (read_stamp(std::span(message.data(), *size), Size).number != number)
          throw failure("another message arrived");
      };
      talk(send, receive);
      s->done.arrive_and_wait_for(2);
    };
  };
  const auto ask = [&](auto send, auto receive) {
    s->result = time_trips(count, [&](std::uint64_t number) {
      send(number);
      receive(number);
    });
  };
  const auto answer = [&](auto send, auto receive) {
    for (std::uint64_t i = 0; i < warm_up_trips + count; ++i) {
      receive(i);
      send(i);
    }
  };
  run({{end(back, there, ask), C::has_threads ? any_cpu : 0},
       {end(there, back, answer), C::has_threads ? any_cpu : 1}});
  return s->result;
}

}  // namespace bench
