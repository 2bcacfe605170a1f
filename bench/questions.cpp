#include "questions.hpp"

#include "harness/ask.hpp"

void bench::ask() {
  ask_pair();
  ask_one_way();
  ask_round_trip();
  ask_two_to_two();
  ask_recovery();
}
