// A session of a user, and what keeps its history. Both work on the same state, which is neither
// locked nor atomic: whoever puts sessions into an item_pool needs neither.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <millrace/pool/request.hpp>

struct session_state {
  std::string user;
  int actions = 0;
  std::vector<std::string> log;
};

class history_tracker {
 public:
  explicit history_tracker(session_state& state) : state_(state) {}

  void note(const std::string& action) {
    state_.log.push_back(std::to_string(state_.actions) + ": " + state_.user + " " + action);
  }

 private:
  session_state& state_;
};

class user_session {
 public:
  explicit user_session(std::string user) : state_{std::move(user), 0, {}}, history_(state_) {}
  user_session(const user_session&) = delete;
  user_session& operator=(const user_session&) = delete;

  /// Which action of this session it was, counted from 1.
  int act(const std::string& action) {
    ++state_.actions;
    history_.note(action);
    return state_.actions;
  }
  [[nodiscard]] const std::vector<std::string>& log() const { return state_.log; }

  /// Called when the pool ends.
  std::string shutdown() {
    return state_.user + " leaves after " + std::to_string(state_.actions) + " actions";
  }

  using requests = millrace::request_list<&user_session::act, &user_session::log>;

 private:
  session_state state_;
  history_tracker history_;
};

using act = millrace::request<&user_session::act>;
using read_log = millrace::request<&user_session::log>;
