// What every message_sink with its message_source must do, beyond having the right members. A kind
// of queue joins by a factory F (pair.hpp) and a line: MILLRACE_CONFORMANCE(F), or, if it is
// bounded (its sink says full some day), MILLRACE_BOUNDED_CONFORMANCE(F).
#pragma once

#include "conformance/loans.hpp"
#include "conformance/messages.hpp"
#include "conformance/traffic.hpp"
#include "conformance/waiting.hpp"

#define MILLRACE_CONFORMANCE(...)                                                                  \
  namespace conformance {                                                                          \
  TEST_CASE_TEMPLATE_INVOKE(concepts, __VA_ARGS__);                                                \
  TEST_CASE_TEMPLATE_INVOKE(fresh, __VA_ARGS__);                                                   \
  TEST_CASE_TEMPLATE_INVOKE(order, __VA_ARGS__);                                                   \
  TEST_CASE_TEMPLATE_INVOKE(zero_bytes, __VA_ARGS__);                                              \
  TEST_CASE_TEMPLATE_INVOKE(every_size, __VA_ARGS__);                                              \
  TEST_CASE_TEMPLATE_INVOKE(beyond_largest, __VA_ARGS__);                                          \
  TEST_CASE_TEMPLATE_INVOKE(finished, __VA_ARGS__);                                                \
  TEST_CASE_TEMPLATE_INVOKE(given_back, __VA_ARGS__);                                              \
  TEST_CASE_TEMPLATE_INVOKE(given_back_among_others, __VA_ARGS__);                                 \
  TEST_CASE_TEMPLATE_INVOKE(loans_in_any_order, __VA_ARGS__);                                      \
  TEST_CASE_TEMPLATE_INVOKE(held_loan, __VA_ARGS__);                                               \
  TEST_CASE_TEMPLATE_INVOKE(moved_loans, __VA_ARGS__);                                             \
  TEST_CASE_TEMPLATE_INVOKE(wait_for_message, __VA_ARGS__);                                        \
  TEST_CASE_TEMPLATE_INVOKE(stopped_before_consuming, __VA_ARGS__);                                \
  TEST_CASE_TEMPLATE_INVOKE(stopped_consumer, __VA_ARGS__);                                        \
  TEST_CASE_TEMPLATE_INVOKE(consumer_wakes, __VA_ARGS__);                                          \
  TEST_CASE_TEMPLATE_INVOKE(stream, __VA_ARGS__);                                                  \
  TEST_CASE_TEMPLATE_INVOKE(random_calls, __VA_ARGS__);                                            \
  }                                                                                                \
  static_assert(true, "")

#define MILLRACE_BOUNDED_CONFORMANCE(...)                                                          \
  MILLRACE_CONFORMANCE(__VA_ARGS__);                                                               \
  namespace conformance {                                                                          \
  TEST_CASE_TEMPLATE_INVOKE(full, __VA_ARGS__);                                                    \
  TEST_CASE_TEMPLATE_INVOKE(room, __VA_ARGS__);                                                    \
  TEST_CASE_TEMPLATE_INVOKE(wait_for_room, __VA_ARGS__);                                           \
  TEST_CASE_TEMPLATE_INVOKE(stopped_before_producing, __VA_ARGS__);                                \
  TEST_CASE_TEMPLATE_INVOKE(stopped_producer, __VA_ARGS__);                                        \
  TEST_CASE_TEMPLATE_INVOKE(producer_wakes, __VA_ARGS__);                                          \
  TEST_CASE_TEMPLATE_INVOKE(producer_of_much, __VA_ARGS__);                                        \
  }                                                                                                \
  static_assert(true, "")
