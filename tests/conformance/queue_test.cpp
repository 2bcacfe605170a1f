// The conformance suite on publisher and subscriber, with every mix of roles and guarantees and on
// rings from the smallest up.
#include <string>
#include <vector>

#include <millrace/millrace.hpp>

#include "conformance/suite.hpp"
#include "support/scratch.hpp"

namespace {

class queue_between_processes {
 public:
  using sink_type = millrace::publisher;
  using source_type = millrace::subscriber;
  static constexpr bool bounded = true;
  static constexpr bool in_place = true;

  struct variant {
    std::string name;
    std::size_t capacity;
    std::size_t block_size;
    millrace::role publishers;
    millrace::role subscribers;
    millrace::delivery guarantee;
  };

  static std::vector<variant> variants() {
    using millrace::delivery;
    using millrace::role;
    struct geometry {
      const char* name;
      std::size_t capacity;
      std::size_t block_size;
    };
    std::vector<variant> all;
    for (const geometry& g :
         {geometry{"64 slots of 64", 64 * 64, 64}, geometry{"64 slots of 4096", 64 * 4096, 4096},
          geometry{"1024 slots of 64", 1024 * 64, 64}, geometry{"default", 0, 0}}) {
      for (const role p : {role::shared, role::exclusive}) {
        for (const role s : {role::shared, role::exclusive}) {
          for (const delivery d : {delivery::at_least_once, delivery::at_most_once}) {
            all.push_back(
                {std::string(g.name) + ", publisher " +
                     (p == role::shared ? "shared" : "exclusive") + ", subscriber " +
                     (s == role::shared ? "shared" : "exclusive") +
                     (d == delivery::at_least_once ? ", at least once" : ", at most once"),
                 g.capacity, g.block_size, p, s, d});
          }
        }
      }
    }
    return all;
  }

  explicit queue_between_processes(const variant& v)
      : options_(options(v)), sink_("conformance", options_), source_("conformance", options_),
        block_size_(millrace::stat("conformance", directory_.path()).block_size) {}

  sink_type& sink() { return sink_; }
  source_type& source() { return source_; }
  std::size_t largest() const { return sink_.max_message_size(); }
  static std::size_t room() { return 32; }  // in half of the fewest slots
  std::vector<std::size_t> edges() const {
    return {48, block_size_, 2 * block_size_, 3 * block_size_, largest() / 2};
  }

 private:
  millrace::queue_options options(const variant& v) const {
    auto result = directory_.options(v.capacity, v.block_size);
    result.publishers = v.publishers;
    result.subscribers = v.subscribers;
    result.guarantee = v.guarantee;
    return result;
  }

  test::scratch directory_;
  millrace::queue_options options_;
  sink_type sink_;
  source_type source_;
  std::size_t block_size_;
};

}  // namespace

MILLRACE_BOUNDED_CONFORMANCE(queue_between_processes);
