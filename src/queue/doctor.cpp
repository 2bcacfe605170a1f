// Examining a queue from outside, and putting right what can be.
#include <millrace/queue/doctor.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <thread>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "core/fail.hpp"
#include "os/named_semaphore.hpp"
#include "os/process.hpp"
#include "queue/closing.hpp"
#include "queue/invariants.hpp"
#include "queue/recovery.hpp"
#include "queue/segment.hpp"
#include "queue/snapshot.hpp"

namespace millrace {

using namespace detail;

namespace {

using std::chrono::steady_clock;

/// What is found must be found in each of so many looks, so far apart.
constexpr int looks = 5;
constexpr auto pause = std::chrono::milliseconds(20);
constexpr std::size_t most_of_a_kind = 16;

os::file open_file(const std::filesystem::path& path, os::access how) {
  auto file = os::file::open(path, how, true);
  if (!file) {
    fail_not_found(path);
  }
  if (!segment::looks_like_queue(*file)) {
    (void)segment::inspect(*file);  // which says what it is instead
  }
  return std::move(*file);
}

/// One look at everything.
struct look {
  snapshot memory;
  std::vector<suspicion> suspicions;
  std::vector<std::pair<holding, word>> holdings;
};

holding::condition condition_of(const place& p) {
  if (p.dirty == 0) {
    return holding::condition::unknown;
  }
  if (!p.held) {
    return holding::condition::dead;
  }
  return os::process_stopped(p.pid) ? holding::condition::stopped : holding::condition::alive;
}

/// An exclusive subscriber that reads in place leaves the word as it is.
std::optional<std::uint32_t> reader_in_place(const segment& queue, const snapshot& s) {
  for (std::uint32_t id = 0; id < table_size; ++id) {
    if (queue.subscribers() == role::exclusive && s.places[id].live() &&
        s.places[id].publishes == 0) {
      return id;
    }
  }
  return std::nullopt;
}

std::optional<holding::purpose> purpose_of(word w, shape s, bool reader) {
  switch (w.state()) {
  case state::claimed:
    return holding::purpose::writing;
  case state::taken:
    return holding::purpose::reading;
  case state::clearing:
    return holding::purpose::freeing;
  case state::revoked:
    return holding::purpose::overtaken;
  case state::ready:
    return reader && s.has(shape::handed_out) ? std::optional(holding::purpose::reading)
                                              : std::nullopt;
  default:
    return std::nullopt;
  }
}

void add_holdings(const segment& queue, look& l) {
  const snapshot& s = l.memory;
  const auto reader = reader_in_place(queue, s);
  for (const std::size_t slot : records(queue, s)) {
    const word w = s.words[slot];
    const auto purpose = purpose_of(w, s.shapes[slot], reader.has_value());
    if (!purpose || !s.stands(slot)) {
      continue;
    }
    const std::uint32_t id = w.is(state::ready) ? *reader : w.owner();
    if (id >= table_size) {
      continue;
    }
    const place& p = s.places[id];
    l.holdings.push_back(
        {{*purpose, slot, w.span(), id, p.pid, p.publishes != 0, condition_of(p)}, w});
  }
}

void add_announcements(const segment& queue, look& l) {
  for (const bool publishers : {false, true}) {
    const std::uint32_t stale = stale_announcements(queue, publishers);
    if (stale != 0) {
      const auto* const who = publishers ? "publishers" : "subscribers";
      l.suspicions.push_back(
          {{fault::announcement_stale, publishers ? 1U : 0U, fmt::format("the bell of the {}", who),
            fmt::format("{} more are announced than sleep", stale)},
           0});
    }
  }
}

void add_whole(const segment& queue, const os::lease_file* leases, look& l) {
  const snapshot& s = l.memory;
  const auto add = [&](fault f, std::string_view where, std::string found) {
    l.suspicions.push_back({{f, 0, std::string(where), std::move(found)}, 0});
  };
  if (s.removed) {
    add(fault::half_removed, "the file", "it is marked as removed and still there");
    return;
  }
  if (queue.life() == lifetime::transient && s.joined != 0 && leases != nullptr &&
      !leases->held_by_others(0, table_size)) {
    add(fault::deserted, "the file", "nobody takes part any more");
  }
  if (leases != nullptr && std::ranges::any_of(s.places, &place::live)) {
    for (const auto& name : {queue.not_empty_name(), queue.not_full_name()}) {
      if (!os::named_semaphore::exists(name)) {
        add(fault::semaphore_missing, "semaphore " + name,
            "those who take part have it; its name is gone");
      }
    }
  }
}

void add_stopped(const segment& queue, look& l) {
  for (std::uint32_t id = 0; id < table_size; ++id) {
    const place& p = l.memory.places[id];
    if (p.live() && os::process_stopped(p.pid)) {
      l.suspicions.push_back(
          {{fault::participant_stopped, id, describe(p, id),
            fmt::format("its process is stopped; in its hands: {}", hands_of(queue, l.memory, id))},
           p.pid});
    }
  }
}

look look_at(const segment& queue, const os::lease_file* leases) {
  look l;
  l.memory = read(queue, leases);
  l.suspicions = suspect_words(queue, l.memory);
  std::ranges::move(suspect_participants(queue, l.memory), std::back_inserter(l.suspicions));
  add_announcements(queue, l);
  add_whole(queue, leases, l);
  add_stopped(queue, l);
  add_holdings(queue, l);
  return l;
}

/// Keeps of `l` what `next` finds as well.
void confirm(look& l, look&& next) {
  using key = std::tuple<fault, std::size_t, std::uint64_t>;
  const auto key_of = [](const suspicion& s) { return key{s.what.what, s.what.at, s.evidence}; };
  std::set<key> again;
  for (const suspicion& s : next.suspicions) {
    again.insert(key_of(s));
  }
  std::erase_if(l.suspicions, [&](const suspicion& s) { return !again.contains(key_of(s)); });
  std::set<std::pair<std::size_t, std::uint64_t>> held;
  for (const auto& [h, w] : next.holdings) {
    held.emplace(h.slot, w.bits);
  }
  std::erase_if(l.holdings, [&](const auto& h) {
    return !held.contains({h.first.slot, h.second.bits});
  });
  l.memory = std::move(next.memory);
}

/// Looks until there is nothing to confirm.
look examine_memory(const segment& queue, const os::lease_file* leases,
                    std::chrono::nanoseconds& watched) {
  look l = look_at(queue, leases);
  const auto begin = steady_clock::now();
  for (int i = 1; i < looks && !(l.suspicions.empty() && l.holdings.empty()); ++i) {
    std::this_thread::sleep_for(pause);
    watched = steady_clock::now() - begin;
    confirm(l, look_at(queue, leases));
  }
  return l;
}

void add_findings(std::vector<suspicion>& suspicions, diagnosis& d) {
  std::map<fault, std::size_t> of_kind;
  for (suspicion& s : suspicions) {
    if (++of_kind[s.what.what] <= most_of_a_kind) {
      d.findings.push_back(std::move(s.what));
    } else {
      ++d.omitted;
    }
  }
  std::ranges::stable_sort(d.findings, {}, &finding::what);
}

void count_words(const segment& queue, const snapshot& s, diagnosis& d) {
  for (const std::size_t slot : records(queue, s)) {
    const word w = s.words[slot];
    d.orphans += w.is(state::orphan) ? 1 : 0;
    d.padding += w.is(state::pad) ? w.span() : 0;
  }
}

/// Nothing if the file cannot be used as a queue, of which the reason becomes a finding.
std::shared_ptr<segment> attach(const os::file& file, diagnosis& d) {
  try {
    return segment::attach(file, os::access::read_only);
  } catch (const error& problem) {
    if (problem.code() == errc::system || problem.code() == errc::out_of_memory) {
      throw;
    }
    d.findings.push_back({fault::file_damaged, 0, "the file", problem.what()});
    return nullptr;
  }
}

/// Cleans up after place `id` if nobody has it. False: somebody does, or did it meanwhile.
bool recover_place(const segment& queue, os::lease_file& leases, std::uint32_t id) {
  if (!leases.try_lock(id)) {
    return false;
  }
  clean_up_after(queue, id);
  leases.unlock(id);
  return true;
}

/// As participant::open does for whoever opens the name next.
bool remove_deserted(const segment& queue, os::lease_file& leases) {
  return close_if_deserted(queue, leases) &&
         try_take_name_away(queue.path(), queue.file(), leases, &queue);
}

/// Takes back announcements that nobody stands behind, and posts a permit for them, as whoever
/// wakes somebody does, in case one of them was not stale after all.
bool take_back_announcements(const segment& queue, bool publishers) {
  auto& bell = publishers ? queue.head().not_full : queue.head().not_empty;
  const std::uint32_t stale = stale_announcements(queue, publishers);
  std::uint32_t seen = bell.sleepers.load(std::memory_order_relaxed);
  if (stale == 0 || seen < stale ||
      !bell.sleepers.compare_exchange_strong(seen, seen - stale, std::memory_order_seq_cst)) {
    return false;
  }
  os::named_semaphore(publishers ? queue.not_full_name() : queue.not_empty_name(),
                      queue.permissions(), queue.path().string())
      .post();
  return true;
}

/// What was done about one finding; nothing if it could not be, or was gone.
std::string treat(const finding& f, const segment& queue, os::lease_file& leases) {
  switch (f.what) {
  case fault::half_removed:
    return try_take_name_away(queue.path(), queue.file(), leases, &queue)
               ? "took the name and the semaphores of a removed queue away"
               : "";
  case fault::deserted:
    return remove_deserted(queue, leases) ? "removed a transient queue that nobody uses" : "";
  case fault::participant_dead: {
    const auto id = static_cast<std::uint32_t>(f.at);
    return recover_if_dead(queue, leases, table_size, id)
               ? fmt::format("cleaned up after {}; {}", f.where, f.found)
               : "";
  }
  case fault::left_behind: {
    const word w = queue.ring().load(f.at);
    return w.owned() && w.owner() < table_size && recover_place(queue, leases, w.owner())
               ? fmt::format("recovered what was left behind in {}", f.where)
               : "";
  }
  case fault::announcement_stale:
    return take_back_announcements(queue, f.at != 0)
               ? fmt::format("took stale announcements back from {}", f.where)
               : "";
  default:
    return "";
  }
}

diagnosis examine_file(std::string_view name, const std::filesystem::path& path) {
  diagnosis d;
  d.name = name;
  d.path = path;
  const os::file file = open_file(path, os::access::read_only);
  const auto queue = attach(file, d);
  if (queue == nullptr) {
    return d;
  }
  const auto leases = leases_of(*queue);
  d.knows_who_lives = leases != nullptr;
  look l = examine_memory(*queue, leases.get(), d.watched);
  add_findings(l.suspicions, d);
  for (const auto& [h, w] : l.holdings) {
    d.holdings.push_back(h);
  }
  count_words(*queue, l.memory, d);
  if (!l.memory.removed) {
    d.queue = stat(name, path.parent_path());
  }
  return d;
}

}  // namespace

diagnosis examine(std::string_view name, const std::filesystem::path& directory) {
  return examine_file(name, queue_path(name, directory));
}

treatment repair(std::string_view name, const std::filesystem::path& directory) {
  const auto path = queue_path(name, directory);
  treatment t;
  t.after = examine_file(name, path);
  const bool anything = std::ranges::any_of(
      t.after.findings, [](const finding& f) { return about(f.what).repairable; });
  if (!anything) {
    return t;
  }
  const os::file file = open_file(path, os::access::read_write);
  const auto queue = segment::attach(file, os::access::read_write);
  const auto leases = os::lease_file::open(path, file.id());
  if (leases == nullptr) {
    fail(errc::not_found, path.string(), "repairing", "it is being removed");
  }
  for (const finding& f : t.after.findings) {
    if (std::string done = treat(f, *queue, *leases); !done.empty()) {
      t.done.push_back(std::move(done));
    }
  }
  if (!queue->removed()) {
    wake_everybody(*queue);  // somebody may wait for what has just been recovered
  }
  if (os::identify(path)) {
    t.after = examine_file(name, path);
  } else {
    t.after = {};
    t.after.name = name;
    t.after.path = path;
  }
  return t;
}

}  // namespace millrace
