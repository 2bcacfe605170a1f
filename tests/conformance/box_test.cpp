// The conformance suite on boxes of bytes of every policy, with limits from the smallest up.
#include <chrono>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include <millrace/box/byte_box.hpp>

#include "conformance/suite.hpp"

namespace {

using namespace std::chrono_literals;

template <class Policy>
class box_of_bytes {
 public:
  using sink_type = millrace::byte_sink<Policy>;
  using source_type = millrace::byte_source<Policy>;
  static constexpr bool bounded = Policy::bounded;
  static constexpr bool in_place = false;

  struct variant {
    std::string name;
    Policy policy;
  };

  static std::vector<variant> variants() {
    if constexpr (bounded) {
      std::vector<variant> all;
      for (const std::size_t limit : {1u, 2u, 3u, 7u, 64u, 100u}) {
        all.push_back({"limit " + std::to_string(limit), with_limit(limit)});
      }
      return all;
    } else {
      return {{"unlimited", {}}};
    }
  }

  explicit box_of_bytes(const variant& v)
      : source_(v.policy), sink_(source_.new_input(), 4096), room_(room_of(v.policy)) {}

  sink_type& sink() { return sink_; }
  source_type& source() { return source_; }
  std::size_t largest() const { return sink_.max_message_size(); }
  std::size_t room() const { return room_; }
  static std::vector<std::size_t> edges() { return {64, 1000}; }

 private:
  static Policy with_limit(std::size_t limit) {
    Policy policy{};
    policy.limit = limit;
    if constexpr (std::is_same_v<Policy, millrace::waiting>) {
      // Its times are those of calls that are not told any; here, all are.
      policy.deliver_within = 1ns;
      policy.receive_within = 1ns;
    }
    return policy;
  }
  static std::size_t room_of(const Policy& policy) {
    if constexpr (bounded) {
      return policy.limit;
    } else {
      return 1'000'000;
    }
  }

  source_type source_;
  sink_type sink_;
  std::size_t room_;
};

}  // namespace

MILLRACE_BOUNDED_CONFORMANCE(box_of_bytes<millrace::blocking>, box_of_bytes<millrace::non_blocking>,
                             box_of_bytes<millrace::waiting>,
                             box_of_bytes<millrace::quiet<millrace::blocking>>);
MILLRACE_CONFORMANCE(box_of_bytes<millrace::unlimited>,
                     box_of_bytes<millrace::quiet<millrace::unlimited>>);

TEST_CASE("a box of bytes ends as a box does, and neither end of a loan depends on it") {
  std::optional source(millrace::byte_source<millrace::blocking>({3}));
  std::optional<millrace::byte_loan> outlives;
  {
    millrace::byte_sink sink(source->new_input(), 10);
    for (const auto* text : {"one", "two", "three"}) {
      REQUIRE(sink.enqueue(test::as_bytes(text)) == millrace::status::ok);
    }
  }
  auto one = source->dequeue();
  auto two = source->dequeue();
  one->requeue();
  one->requeue();  // empty by now
  auto moved = std::move(*source);
  two->requeue();  // to where the source is now
  std::vector<std::string> rest;
  while (auto m = moved.dequeue()) {
    rest.push_back((m->redelivered() ? "again " : "") + test::as_text(m->bytes()));
    outlives = std::move(m);
  }
  CHECK(rest == std::vector<std::string>{"again one", "again two", "three"});
  CHECK(moved.last_status() == millrace::status::closed);
  millrace::byte_sink late(moved.new_input(), 10);
  { const auto gone = std::move(moved); }
  CHECK(late.try_enqueue(test::as_bytes("late")) == millrace::status::closed);
  source.reset();
  CHECK(test::as_text(outlives->bytes()) == "three");
  outlives->requeue();
}
