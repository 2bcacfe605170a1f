// Sessions of users as items of a pool: each lives on one of two threads, keeps its state there
// without a lock, and is asked from anywhere.
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <millrace/millrace.hpp>

#include "user_session.hpp"

int main() {
  millrace::item_pool<user_session> sessions(2);
  millrace::id_provider ids;
  const millrace::item_id ada = ids.next();
  const millrace::item_id bob = ids.next();
  const millrace::item_id nobody = ids.next();
  sessions.init(ada, "Ada").value();  // value() throws what went wrong, if anything did
  sessions.init(bob, "Bob").value();

  // Many at once: the responses come as they are ready, and each session keeps its order.
  const std::vector<act> requests{
      act(ada, "logs in"),    act(bob, "logs in"),  act(nobody, "logs in"),
      act(ada, "buys seeds"), act(ada, "logs out"), act(bob, "looks around"),
  };
  int answered = 0;
  for (const auto& r : sessions.send_and_receive(requests)) {
    if (r.ok()) {
      fmt::print("session {}: action {}\n", r.id(), r.value());
      ++answered;
    } else {
      fmt::print("session {}: {}\n", r.id(), to_string(r.status()));
    }
  }

  // One at a time.
  const auto log = sessions.send_and_receive_once(read_log(ada)).value();
  fmt::print("{}\n", fmt::join(log, "\n"));
  sessions.send(act(bob, "is thrown out"));  // no answer wanted
  const bool existed = sessions.remove(bob);

  for (const auto& last : sessions.shutdown()) {
    fmt::print("{}\n", last.value());
  }
  const std::vector<std::string> expected{"1: Ada logs in", "2: Ada buys seeds", "3: Ada logs out"};
  return answered == 5 && log == expected && existed ? 0 : 1;
}
