// A made-up application that mixes media streams: much talk between many parties. The workload, its
// parties and their messages are those of the benchmark of unliftio-messagebox.
//
//   media    one party: has the DSPs, and mixers on them
//   broker   one party: knows the groups, and hands what is for a group on to it
//   group    one party for each group of members: asks media for mixers and puts members into them
//   client   one party for each group: makes it, joins members, lets them leave again, ends it
//
// All of them are coroutines on one scheduler.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include <millrace/box/command.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "must.hpp"

namespace bench::media_mixing {

using millrace::fire_and_forget;
using millrace::reply_box;
using millrace::task;

struct size {
  int dsps = 100;
  int groups = 1000;
  int members = 4;
};

// --- media

struct fetch_dsps {
  using returns = millrace::returns<std::vector<int>>;
};
struct create_mixer {
  int dsp;
  using returns = millrace::returns<std::optional<int>>;
};
struct destroy_mixer {
  int mixer;
  using returns = fire_and_forget;
};
struct add_to_mixer {
  int mixer;
  int member;
  using returns = millrace::returns<bool>;
};
struct remove_from_mixer {
  int mixer;
  int member;
  using returns = millrace::returns<>;
};
struct shut_down {
  using returns = fire_and_forget;
};
using media_api = millrace::protocol<fetch_dsps, create_mixer, destroy_mixer, add_to_mixer,
                                     remove_from_mixer, shut_down>;
using media_box = millrace::message_box<media_api::message>;
using media_input = media_box::input_type;

class media {
 public:
  explicit media(const size& s)
      : capacity_(static_cast<std::size_t>(s.dsps), 2 * (s.groups + s.groups * s.members)) {}

  [[nodiscard]] bool done() const { return shutting_down_ && mixers_.empty(); }

  auto operator()(fetch_dsps&&, reply_box<std::vector<int>> reply) {
    std::vector<int> good;
    good.reserve(capacity_.size());
    for (std::size_t dsp = 0; dsp < capacity_.size(); ++dsp) {
      if (capacity_[dsp] > 1) {
        good.push_back(static_cast<int>(dsp));
      }
    }
    return reply_to(reply, std::move(good));
  }
  auto operator()(create_mixer&& c, reply_box<std::optional<int>> reply) {
    int& capacity = capacity_.at(static_cast<std::size_t>(c.dsp));
    if (capacity == 0) {
      return reply_to(reply, std::nullopt);
    }
    --capacity;
    mixers_.emplace(next_mixer_, mixer{c.dsp, {}});
    return reply_to(reply, next_mixer_++);
  }
  void operator()(destroy_mixer&& d) {
    if (const auto found = mixers_.extract(d.mixer)) {
      const mixer& gone = found.mapped();
      capacity_[static_cast<std::size_t>(gone.dsp)] += 1 + static_cast<int>(gone.members.size());
    }
  }
  auto operator()(add_to_mixer&& a, reply_box<bool> reply) {
    const auto found = mixers_.find(a.mixer);
    if (found == mixers_.end()) {
      return reply_to(reply, false);
    }
    int& capacity = capacity_[static_cast<std::size_t>(found->second.dsp)];
    if (capacity == 0) {
      return reply_to(reply, found->second.members.contains(a.member));
    }
    capacity -= found->second.members.insert(a.member).second ? 1 : 0;
    return reply_to(reply, true);
  }
  auto operator()(remove_from_mixer&& r, reply_box<void> reply) {
    const auto found = mixers_.find(r.mixer);
    if (found != mixers_.end() && found->second.members.erase(r.member) != 0) {
      ++capacity_[static_cast<std::size_t>(found->second.dsp)];
    }
    return reply_to(reply);
  }
  void operator()(shut_down&&) { shutting_down_ = true; }

 private:
  struct mixer {
    int dsp;
    std::set<int> members;
  };
  std::vector<int> capacity_;
  std::unordered_map<int, mixer> mixers_;
  int next_mixer_ = 0;
  bool shutting_down_ = false;
};

inline task<> run_media(media_box box, size s, const millrace::scheduler& where) {
  auto inbox = box.on(where);
  media mine(s);
  while (!mine.done()) {
    auto message = co_await inbox.receive();
    must(message.has_value(), "media lost its last input");
    handle(std::move(*message), mine);
  }
}

// --- groups

struct event {
  bool joined;
  int member;
};
using event_box = millrace::message_box<event>;
using event_input = event_box::input_type;

struct create_group {
  int group;
  using returns = millrace::returns<>;
};
struct destroy_group {
  int group;
  using returns = millrace::returns<>;
};
struct join {
  int group;
  int member;
  event_input tell;
  using returns = fire_and_forget;
};
struct leave {
  int group;
  int member;
  event_input tell;
  using returns = fire_and_forget;
};
using mixing_api = millrace::protocol<create_group, destroy_group, join, leave>;
using mixing_box = millrace::message_box<mixing_api::message>;
using mixing_input = mixing_box::input_type;

class group {
  template <class C>
  auto ask(C command) {
    return call_async(media_, std::move(command)).on(where_);
  }

 public:
  group(media_input to_media, const millrace::scheduler& where)
      : media_(std::move(to_media)), where_(where) {}

  [[nodiscard]] bool done() const { return done_; }

  task<> operator()(create_group&&, reply_box<void> reply) {
    (void)reply_to(reply);
    co_return;
  }
  task<> operator()(destroy_group&&, reply_box<void> reply) {
    (void)reply_to(reply);
    done_ = true;
    co_return;
  }
  task<> operator()(join&& j) {
    const auto dsps = (co_await ask(fetch_dsps{})).value();
    must(!dsps.empty(), "no DSPs left");
    const int dsp = dsps[static_cast<std::size_t>(j.member) % dsps.size()];
    auto found = mixers_.find(dsp);
    if (found == mixers_.end()) {
      const auto created = (co_await ask(create_mixer{dsp})).value();
      must(created.has_value(), "no mixer left");
      found = mixers_.emplace(dsp, mixer{*created, {}}).first;
    }
    must((co_await ask(add_to_mixer{found->second.id, j.member})).value(), "not added");
    found->second.members.insert(j.member);
    must(j.tell.deliver(event{true, j.member}), "the client is gone");
  }
  task<> operator()(leave&& l) {
    for (auto m = mixers_.begin(); m != mixers_.end(); ++m) {
      auto& [id, members] = m->second;
      if (members.contains(l.member)) {
        (void)(co_await ask(remove_from_mixer{id, l.member})).value();
        members.erase(l.member);
        if (members.empty()) {
          must(cast(media_, destroy_mixer{id}), "media is gone");
          mixers_.erase(m);
        }
        break;
      }
    }
    must(l.tell.deliver(event{false, l.member}), "the client is gone");
  }

 private:
  struct mixer {
    int id;
    std::set<int> members;
  };
  media_input media_;
  const millrace::scheduler& where_;
  std::map<int, mixer> mixers_;  // by DSP
  bool done_ = false;
};

inline task<> run_group(mixing_box box, media_input media, const millrace::scheduler& where) {
  auto inbox = box.on(where);
  group mine(std::move(media), where);
  while (!mine.done()) {
    auto message = co_await inbox.receive();
    must(message.has_value(), "a group lost its last input");
    co_await handle(std::move(*message), mine);
  }
}

// --- broker

class broker {
 public:
  broker(media_input media, const millrace::scheduler& where, millrace::task_group& parties)
      : media_(std::move(media)), where_(where), parties_(parties) {}

  [[nodiscard]] int destroyed() const { return destroyed_; }
  [[nodiscard]] bool empty() const { return groups_.empty(); }

  void operator()(create_group&& c, reply_box<void> reply) {
    mixing_box box;
    auto& input = groups_.try_emplace(c.group, box.new_input()).first->second;
    parties_.spawn(run_group(std::move(box), media_, where_));
    must(delegate_call(reply, input, std::move(c)), "not delegated");
  }
  void operator()(destroy_group&& d, reply_box<void> reply) {
    auto found = groups_.extract(d.group);
    must(delegate_call(reply, found.mapped(), std::move(d)), "not delegated");
    ++destroyed_;
  }
  void operator()(join&& j) { must(cast(groups_.at(j.group), std::move(j)), "not handed on"); }
  void operator()(leave&& l) { must(cast(groups_.at(l.group), std::move(l)), "not handed on"); }

 private:
  media_input media_;
  const millrace::scheduler& where_;
  millrace::task_group& parties_;
  std::unordered_map<int, mixing_input> groups_;
  int destroyed_ = 0;
};

inline task<> run_broker(mixing_box box, media_input media, size s,
                         const millrace::scheduler& where, millrace::task_group& parties) {
  auto inbox = box.on(where);
  broker mine(media, where, parties);
  while (mine.destroyed() != s.groups || !mine.empty()) {
    auto message = co_await inbox.receive();
    must(message.has_value(), "the broker lost its last input");
    handle(std::move(*message), mine);
  }
  must(cast(media, shut_down{}), "media is gone");
}

// --- clients

inline task<> run_client(mixing_input broker, int number, size s,
                         const millrace::scheduler& where) {
  event_box events;
  auto inbox = events.on(where);
  const auto tell = events.new_input();
  (co_await call_async(broker, create_group{number}).on(where)).value();
  for (int i = 0; i < s.members; ++i) {
    must(cast(broker, join{number, s.members * number + i, tell}), "not joined");
  }
  for (int i = 0; i < s.members; ++i) {
    const auto e = co_await inbox.receive();
    must(e && e->joined, "another event than joined");
  }
  for (int i = 0; i < s.members; ++i) {
    must(cast(broker, leave{number, s.members * number + i, tell}), "not left");
  }
  for (int i = 0; i < s.members; ++i) {
    const auto e = co_await inbox.receive();
    must(e && !e->joined, "another event than left");
  }
  (co_await call_async(broker, destroy_group{number}).on(where)).value();
}

/// Runs it once, from the first party's beginning to the last one's end.
inline void run(const size& s, const millrace::scheduler& where) {
  millrace::task_group parties(where);
  media_box to_media;
  mixing_box to_broker;
  auto media = to_media.new_input();
  auto broker = to_broker.new_input();
  parties.spawn(run_media(std::move(to_media), s, where));
  parties.spawn(run_broker(std::move(to_broker), std::move(media), s, where, parties));
  for (int i = 0; i < s.groups; ++i) {
    parties.spawn(run_client(broker, i, s, where));
  }
  parties.wait();
}

}  // namespace bench::media_mixing
