#include "questions.hpp"

#include "../harness/ask.hpp"

void bench::ask() {
  ask_box_pair();
  ask_box_one_way();
  ask_messages();
  ask_book_store();
  ask_media_mixing();
  ask_calls();
}
