#include "questions.hpp"

#include "../harness/ask.hpp"

void bench::ask() {
  ask_link_idle();
  ask_link_messages();
  ask_link_one_way();
  ask_link_round_trip();
}
