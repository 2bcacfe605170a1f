// What each fault means and what can be done about it.
#include <millrace/queue/doctor.hpp>

#include <iterator>

namespace millrace {

namespace {

constexpr std::string_view make_anew = "end those who use it, take out what can still be taken, "
                                       "then remove the queue and make it anew";

}  // namespace

const fault_text& about(fault f) noexcept {
  // In the order of the enumerators.
  static constexpr fault_text texts[]{
      {"file_damaged", "nobody can open it, and touching what was cut off would end a process",
       "remove it and make it anew", true, false},
      {"half_removed", "nobody can use it, and the name is taken; who removed it was cut off",
       "repair takes the name and the semaphores away, as does whoever opens it next", true, true},
      {"deserted", "it was to go with its last participant, which died before it could see to that",
       "repair removes it, as does whoever opens it next", true, true},
      {"semaphore_missing",
       "whoever joins now sleeps on a new one, so that those who were there before wake it, and it "
       "wakes them, only at the end of a sleep of 100 ms",
       "start those who take part again, all of them", true, false},
      {"participant_dead",
       "the slots in its hands stay out of use, and messages that it was reading are not "
       "delivered, "
       "until somebody cleans up after it",
       "repair cleans up, as do the others when they come upon it or fall idle, and whoever joins",
       true, true},
      {"participant_damaged", "counts may be wrong, or nobody may clean up after it", make_anew,
       true, false},
      {"participant_stopped",
       "what it holds stays in its hands, as it lives; the others go around it and lose nothing",
       "let it go on (kill -CONT), or kill it, and the others clean up after it", false, false},
      {"role_broken", "each relies on being alone, so messages can be lost or delivered twice",
       make_anew, true, false},
      {"word_damaged", "whoever comes upon it gets an error, or takes the queue for full or empty",
       make_anew, true, false},
      {"record_overrun", "two records share slots: one of them is lost or will be overwritten",
       make_anew, true, false},
      {"lap_damaged", "publishers or subscribers stop there, or miss what lies there", make_anew,
       true, false},
      {"owner_damaged", "nobody will finish it, so its slots stay out of use", make_anew, true,
       false},
      {"left_behind", "nobody will finish it, so its slots stay out of use",
       "repair recovers it as if its owner had just died", true, true},
      {"shape_damaged", "whoever takes it gets an error instead of a message", make_anew, true,
       false},
      {"hint_damaged", "who begins to walk there misses messages, or takes the queue for full",
       make_anew, true, false},
      {"announcement_stale", "somebody will be woken in vain, once for each",
       "repair takes them back; otherwise they go with the next messages", true, true},
  };
  static_assert(std::size(texts) == static_cast<std::size_t>(fault::announcement_stale) + 1);
  return texts[static_cast<std::size_t>(f)];
}

bool diagnosis::healthy() const noexcept {
  for (const finding& each : findings) {
    if (about(each.what).wrong) {
      return false;
    }
  }
  return true;
}

}  // namespace millrace
