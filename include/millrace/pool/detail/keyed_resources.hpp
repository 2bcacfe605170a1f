// A broker's resources, and what it does with one message: its rules are all here.
#pragma once

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <millrace/pool/detail/keyed_map.hpp>
#include <millrace/pool/report.hpp>
#include <millrace/pool/routed.hpp>

namespace millrace::detail {

template <class Demultiplex, class Create, class Handle, class Clean, class Report>
struct broker_callbacks {
  Demultiplex demultiplex;
  Create create;
  Handle handle;
  Clean clean;
  Report report;
};

/// `Incoming`: the messages as they come. Not thread-safe. Throws only what comparing keys throws.
template <class Callbacks, class Incoming>
class keyed_resources {
  using routed_type =
      std::invoke_result_t<decltype((std::declval<Callbacks&>().demultiplex)), Incoming&&>;
  using key_type = typename routed_type::key_type;
  using message_type = typename routed_type::message_type;
  using resource_type = std::invoke_result_t<decltype((std::declval<Callbacks&>().create)),
                                             const key_type&, const message_type*>;
  using map =
      keyed_map<key_type, std::optional<resource_type>>;  // there is one, except within create
  static_assert(std::move_constructible<resource_type>,
                "resources are moved to where they are kept");

 public:
  explicit keyed_resources(Callbacks& by) noexcept : by_(by) {}
  keyed_resources(const keyed_resources&) = delete;
  keyed_resources& operator=(const keyed_resources&) = delete;
  ~keyed_resources() {
    for (auto& [key, resource] : kept_) {
      clean(key, *resource);
    }
  }

  void take(Incoming&& incoming) {
    std::optional<routed_type> to;
    try {
      to.emplace(by_.demultiplex(std::move(incoming)));
    } catch (...) {
      tell_of(pool_event::demultiplexer_threw, nullptr, std::current_exception());
      return;
    }
    if (to->initializes()) {
      initialize(to->key(), to->message());
    } else {
      dispatch(kept_.find(to->key()), to->key(), std::move(*to->message()));
    }
  }
  void lost_one() noexcept {
    tell_of(pool_event::receiving_threw, nullptr, std::current_exception());
  }

 private:
  void initialize(const key_type& key, std::optional<message_type>& first) {
    if (kept_.find(key) != kept_.end()) {
      tell_of(pool_event::key_exists, &key);
      return;
    }
    const auto place = create(key, first ? &*first : nullptr);
    if (first && place != kept_.end()) {
      dispatch(place, key, std::move(*first));
    }
  }

  /// The end: there is none.
  typename map::iterator create(const key_type& key, const message_type* first) {
    auto place = kept_.end();
    try {
      place = kept_.try_emplace(key).first;  // before there is a resource that this could cost
      resource_type made = by_.create(key, first);
      try {
        place->second.emplace(std::move(made));
      } catch (...) {
        clean(key, made);
        throw;
      }
      return place;
    } catch (...) {
      if (place != kept_.end()) {
        kept_.erase(place);
      }
      tell_of(pool_event::creator_threw, &key, std::current_exception());
      return kept_.end();
    }
  }

  void dispatch(typename map::iterator to, const key_type& key, message_type&& message) {
    if (to == kept_.end()) {
      tell_of(pool_event::unknown_key, &key);
      return;
    }
    bool remove = false;
    try {
      millrace::handled<resource_type> what = by_.handle(key, std::move(message), *to->second);
      if (auto* const update = std::get_if<update_resource<resource_type>>(&what)) {
        *to->second = std::move(update->resource);
      }
      remove = std::holds_alternative<remove_resource>(what);
    } catch (...) {
      tell_of(pool_event::handler_threw, &key, std::current_exception());
      remove = true;
    }
    if (remove) {
      clean(key, *to->second);
      kept_.erase(to);
    }
  }

  void clean(const key_type& key, resource_type& resource) noexcept {
    try {
      by_.clean(key, resource);
    } catch (...) {
      tell_of(pool_event::cleaner_threw, &key, std::current_exception());
    }
  }
  void tell_of(pool_event event, const key_type* key, std::exception_ptr error = {}) noexcept {
    tell(by_.report, event, key, std::move(error));
  }

  Callbacks& by_;
  map kept_;
};

}  // namespace millrace::detail
