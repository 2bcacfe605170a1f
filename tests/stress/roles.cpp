// The publisher and the subscriber of the stress tests.
#include "stress/roles.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <millrace/millrace.hpp>

namespace stress {

using millrace::status;
using namespace std::chrono_literals;

namespace {

void require(bool holds, const char* what) {
  if (!holds) {
    throw std::runtime_error(what);
  }
}

}  // namespace

void publish(const job& j, ledger& book) {
  std::mt19937_64 random(j.seed);
  millrace::publisher p(j.queue, j.options);
  const std::size_t most = p.max_message_size();
  std::vector<std::byte> buffer(most);
  const auto fill = [&](std::uint32_t number) {
    const std::size_t size = size_of(j.id, number, most);
    write(buffer.data(), j.id, number, size);
    return std::span<const std::byte>(buffer).first(size);
  };
  const auto begin = [&](std::uint32_t number, std::uint8_t how) {
    book.next(j.id) = number + 1;
    book.at(j.id, number).begun = how;
  };
  const auto sent = [&](std::uint32_t number) {
    book.at(j.id, number).sent = 1;
    if (const auto size = size_of(j.id, number, most); size < ledger::shortest_numbered) {
      ++book.short_sent(size);
    }
  };
  const auto stopped = [&] { return book.stop_publishing() != 0; };
  // Repeats what may answer full until it does not. False: told to stop, and it was not sent.
  const auto persist = [&](auto&& attempt) {
    for (;;) {
      const status s = attempt();
      if (s == status::ok) {
        return true;
      }
      require(s == status::full || s == status::timeout, "an answer that makes no sense");
      if (stopped()) {
        return false;
      }
      std::this_thread::yield();
    }
  };

  for (std::uint32_t number = book.next(j.id); number < book.count() && !stopped();) {
    switch (random() % 6) {
    case 0: {
      const auto bytes = fill(number);
      begin(number, 1);
      if (persist([&] { return p.try_enqueue(bytes); })) {
        sent(number);
      }
      ++number;
      break;
    }
    case 1:
    case 2: {
      const auto bytes = fill(number);
      begin(number, 1);
      if (persist([&] { return p.enqueue_for(bytes, 20ms); })) {
        sent(number);
      }
      ++number;
      break;
    }
    case 3: {  // as many as fit into an eighth of the queue
      std::vector<std::vector<std::byte>> messages;
      std::vector<std::span<const std::byte>> batch;
      std::size_t sum = 0;
      for (std::uint32_t i = number; i < book.count() && messages.size() < 6; ++i) {
        const auto bytes = fill(i);
        sum += bytes.size();
        if (sum > most / 4) {
          break;
        }
        messages.emplace_back(bytes.begin(), bytes.end());
      }
      if (messages.size() < 2) {
        continue;
      }
      batch.assign(messages.begin(), messages.end());
      const auto end = number + static_cast<std::uint32_t>(batch.size());
      auto mark = static_cast<std::uint8_t>(2 + random() % 250);
      if (number > 0 && book.at(j.id, number - 1).begun == mark) {
        ++mark;  // so as not to look like the rest of a predecessor's batch
      }
      for (std::uint32_t i = number; i < end; ++i) {
        begin(i, mark);
      }
      if (persist([&] { return p.try_enqueue_batch(batch); })) {
        for (std::uint32_t i = number; i < end; ++i) {
          sent(i);
        }
      }
      number = end;
      break;
    }
    case 4: {  // write in place, now and then less than was reserved
      const std::size_t size = size_of(j.id, number, most);
      std::optional<millrace::reservation> room;
      begin(number, 1);
      if (!persist([&] {
            room = p.reserve_for(std::min(most, size + random() % 100), 20ms);
            return room ? status::ok : p.last_status();
          })) {
        ++number;
        break;
      }
      write(room->bytes().data(), j.id, number, size);
      if (random() % 128 == 0) {
        std::this_thread::sleep_for(1ms);  // slow
      }
      if (persist([&] { return room->commit(size); })) {
        sent(number);
      }
      ++number;
      break;
    }
    case 5:  // change one's mind
      if (auto room = p.try_reserve(random() % (most + 1))) {
        std::ranges::fill(room->bytes(), std::byte{0xEE});
      }
      break;
    }
  }
}

void subscribe(const job& j, ledger& book) {
  struct held {
    millrace::message loan;
    origin from;
    std::size_t size;
  };
  std::mt19937_64 random(j.seed);
  millrace::subscriber s(j.queue, j.options);
  const std::size_t most = s.max_message_size();
  std::vector<std::int64_t> latest(book.publishers(), -1);
  std::vector<std::byte> buffer(most);
  std::vector<held> hands;
  bool gave_back = false;

  const auto seen = [&](const origin& from, std::size_t size, bool redelivered) {
    if (size < ledger::shortest_numbered) {
      return;
    }
    entry& e = book.at(from.publisher, from.number);
    require(e.finished == 0, "a message that was done came again");
    ++(redelivered ? e.again : e.fresh);
    if (!redelivered) {
      require(std::int64_t{from.number} > latest[from.publisher],
              "a publisher's messages came out of order");
      latest[from.publisher] = from.number;
    }
  };
  const auto finish = [&](const origin& from, std::size_t size, auto&& step) {
    if (size < ledger::shortest_numbered) {
      step();
      ++book.short_finished(size);
      return;
    }
    entry& e = book.at(from.publisher, from.number);
    ++e.finishing;
    step();
    ++e.finished;
  };
  const auto let_go = [&](std::size_t which) {
    held one = std::move(hands[which]);
    hands.erase(hands.begin() + static_cast<std::ptrdiff_t>(which));
    require(check(one.loan.bytes().data(), one.loan.bytes().size(), book, most).number ==
                one.from.number,
            "a message changed while it was on loan");
    if (one.size >= ledger::shortest_numbered && random() % 50 == 0 &&
        book.at(one.from.publisher, one.from.number).given_back < 100) {
      ++book.at(one.from.publisher, one.from.number).given_back;
      gave_back = true;
      one.loan.requeue();
      return;
    }
    finish(one.from, one.size, [&] { const millrace::message done = std::move(one.loan); });
  };

  for (;;) {
    std::optional<millrace::message> m;
    gave_back = false;
    // Asked before looking: what is published between an empty look and the question is not lost.
    const bool last_look = book.stop_subscribing() != 0;
    const auto how = random() % 8;
    if (how == 0 && !j.loans_only) {
      std::size_t size = 0;
      const std::size_t room = random() % 4 == 0 ? random() % (most + 1) : most;
      const status answer = s.try_dequeue(std::span(buffer).first(room), size);
      if (answer == status::ok) {
        const origin from = check(buffer.data(), size, book, most);
        // The library does not say whether it had been given back before; the book does.
        const bool again =
            size >= ledger::shortest_numbered && book.at(from.publisher, from.number).fresh != 0;
        seen(from, size, again);
        finish(from, size, [] {});
        continue;
      }
      if (answer == status::buffer_too_small) {
        require(size > room && size <= most, "a size that makes no sense");
      }
      m = s.try_dequeue();
    } else if (how < 4) {
      m = s.try_dequeue();
    } else {
      m = s.dequeue_for(20ms);
    }
    if (m) {
      const auto bytes = m->bytes();
      const origin from = check(bytes.data(), bytes.size(), book, most);
      seen(from, bytes.size(), m->redelivered());
      const std::size_t size = bytes.size();
      hands.push_back({std::move(*m), from, size});
    }
    // Nobody holds on to a message while waiting for another: the room may be what is missing.
    const std::size_t keep = m ? random() % 4 : 0;
    while (hands.size() > keep) {
      let_go(random() % hands.size());
    }
    // Whoever gives a message back looks again: the others may have left.
    if (!m && !gave_back && last_look) {
      require(s.last_status() == status::empty || s.last_status() == status::timeout,
              "an answer that makes no sense");
      return;
    }
  }
}

}  // namespace stress
