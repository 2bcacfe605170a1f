// item_pool: stateful items that live on one thread of a pool all their life, and are addressed by
// id. Their member functions can be asked for from any thread; each item runs on its own only, one
// request after another. So items need no locks, need not be movable, may share what is not
// thread-safe with others of their thread, and may hold what belongs to a thread.
//
//   millrace::item_pool<counter> pool(2);
//   pool.init(7, 100).value();                                // counter(100), on its thread
//   int n = pool.send_and_receive_once(add(7, 3)).value();    // request.hpp says what add is
//   for (auto& r : pool.send_and_receive(std::vector{add(7, 1), add(8, 1)})) {
//     if (r.ok()) sum += r.value();                           // 8: r.status() is unknown_id
//   }
//
// The idea is that of the Rust crate messaging_thread_pool.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <ranges>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <millrace/core/error.hpp>
#include <millrace/pool/detail/batch.hpp>
#include <millrace/pool/detail/item_thread.hpp>
#include <millrace/pool/detail/single_request.hpp>
#include <millrace/pool/request.hpp>
#include <millrace/pool/response.hpp>
#include <millrace/pool/responses.hpp>

namespace millrace {

/// Neighbouring ids on different threads.
struct route_by_remainder {
  [[nodiscard]] constexpr std::size_t operator()(item_id id, std::size_t threads) const noexcept {
    return static_cast<std::size_t>(id % threads);
  }
};

/// On which of so many threads an item lives: always the same one, less than `threads` (the pool's
/// functions throw std::out_of_range if not). Called by any thread, several at once.
template <class R>
concept item_routing = requires(const R& route, item_id id, std::size_t threads) {
  { route(id, threads) } -> std::convertible_to<std::size_t>;
};

/// A range of requests to items of this type.
template <class R, class Item>
concept requests_to =
    std::ranges::input_range<R> && request_to<std::ranges::range_value_t<R>, Item>;

/// `Item`: any type with a list of requests (request.hpp). When the pool ends, an item's member
/// function shutdown() is called, if it has one, and then its destructor, on its thread.
///
/// Requests to one item from one thread are run in the order in which they were sent, by whichever
/// of the functions below. What goes wrong is told in the response, and disturbs nobody else; an
/// item that threw stays as it left itself.
///
/// An item may use other pools, and own them. It may use the pool that it is in, but what it waits
/// for there must not end up waiting for it; if that is plain to see, as the other item is of the
/// same thread, the status is would_deadlock. It may always send.
///
/// Thread-safety: all from any thread, but for shutdown and the destructor: from one at a time, and
/// not from an item of the pool. Others may send while shutdown is called.
template <class Item, item_routing Routing = route_by_remainder>
class item_pool {
 public:
  /// Starts the threads. Throws errc::invalid_option for none, errc::system if the system refuses.
  explicit item_pool(std::size_t threads, Routing routing = {}) : routing_(std::move(routing)) {
    if (threads == 0) {
      throw error(errc::invalid_option, "item_pool: needs a thread at least");
    }
    try {
      for (std::size_t i = 0; i < threads; ++i) {
        threads_.push_back(std::make_unique<detail::item_thread<Item>>());
      }
    } catch (const std::system_error& e) {
      throw error(errc::system, std::string("item_pool: cannot start a thread: ") + e.what());
    }
  }
  item_pool(const item_pool&) = delete;
  item_pool& operator=(const item_pool&) = delete;
  /// As shutdown, but nobody hears what the items said.
  ~item_pool() { (void)shutdown(); }

  /// Makes an item of these arguments, on its thread, and waits for that. already_exists: there is
  /// one of that id; threw: the constructor did, and there is none.
  template <class... Args>
  requires std::constructible_from<Item, Args...> init_response init(item_id id, Args&&... args) {
    return send_and_receive_once(init_request<Args&&...>(id, std::forward<Args>(args)...));
  }

  /// Destroys an item, on its thread, after what it was asked before, and waits for that. Whether
  /// it existed. Throws errc::busy instead of waiting for the thread that calls.
  bool remove(item_id id) {
    auto r = send_and_receive_once(remove_request{id});
    if (r.status() == item_status::would_deadlock) {
      r.value();
    }
    return r.ok();
  }

  /// Sends all, and gives the responses as they come, each with its item's id: those of one thread
  /// in order, those of different threads by who is first, nearly. Allocates a few times for all.
  template <requests_to<Item> Requests>
  [[nodiscard]] auto send_and_receive(Requests&& requests) {
    return send_all<detail::response_order::as_completed>(std::forward<Requests>(requests));
  }
  /// The same, but gives the responses in the order of the requests.
  template <requests_to<Item> Requests>
  [[nodiscard]] auto send_and_receive_in_order(Requests&& requests) {
    return send_all<detail::response_order::as_sent>(std::forward<Requests>(requests));
  }

  /// Sends one and waits for the response. Allocates nothing.
  template <request_to<Item> Request>
  response_to<Request> send_and_receive_once(Request r) {
    detail::item_thread<Item>& thread = *threads_.at(thread_of(id_of(r)));
    detail::awaited_request<Item, Request> asked(std::move(r));
    thread.post_awaited(asked);
    return asked.await();
  }

  /// Sends one and does not wait. What it answers or throws, if it is run, is not told. False: it
  /// is not, as the pool was shut down. Allocates once.
  template <request_to<Item> Request>
  bool send(Request r) {
    detail::item_thread<Item>& thread = *threads_.at(thread_of(id_of(r)));
    return thread.post(*new detail::sent_request<Item, Request>(std::move(r)));
  }

  [[nodiscard]] std::size_t thread_count() const noexcept { return threads_.size(); }

  /// Everything that was sent is run, then each item's shutdown() is called and the item destroyed,
  /// then the threads end. What the items said, by thread; requests that are sent later are
  /// answered by item_status::closed. Called again: nothing.
  std::vector<shutdown_response<Item>> shutdown() {
    for (const auto& each : threads_) {
      each->begin_shutdown();
    }
    std::vector<shutdown_response<Item>> said;
    for (const auto& each : threads_) {
      auto more = each->end_shutdown();
      said.insert(said.end(), std::make_move_iterator(more.begin()),
                  std::make_move_iterator(more.end()));
    }
    return said;
  }

 private:
  [[nodiscard]] std::size_t thread_of(item_id id) const { return routing_(id, threads_.size()); }

  template <detail::response_order Order, class Requests>
  auto send_all(Requests&& requests) {
    using batch = detail::batch<Item, std::ranges::range_value_t<Requests>, Order>;
    // A container that nobody needs any more gives its requests away; a view has none of its own.
    constexpr bool gives = !std::is_lvalue_reference_v<Requests> && !std::ranges::view<Requests>;
    auto b = std::make_shared<batch>(threads_.size());
    for (auto&& r : requests) {
      const std::size_t thread = thread_of(id_of(r));
      if constexpr (gives) {
        b->add(thread, std::move(r));
      } else {
        b->add(thread, std::forward<decltype(r)>(r));
      }
    }
    batch::post(b, threads_);
    return responses<batch>(std::move(b));
  }

  const Routing routing_;
  std::vector<std::unique_ptr<detail::item_thread<Item>>> threads_;
};

}  // namespace millrace
