# Whoever's first thread has ended counts as dead.
set(file src/queue/recovery.cpp)
set(find [==[|| !leases.try_lock(suspect)) {]==])
set(put [==[||
      [pid = std::to_string(queue.participant(suspect).pid.load()), e = std::error_code()]() mutable {
        return !std::filesystem::read_symlink("/proc/" + pid + "/exe", e).empty();
      }() ||
      (!leases.try_lock(suspect) && false)) {]==])
set(target fault_death_test)
set(arguments [[--test-case=the thread that opened a handle*]])
