// Donors give books to stores, customers ask stores for all the books they have. The workload, the
// books and their numbers are those of the benchmark of unliftio-messagebox; but there ten
// consumers share one box, and here, where a box has one receiver, each store has its own.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/box/command.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "must.hpp"

namespace bench::book_store {

using millrace::reply_box;
using millrace::task;

/// Of string_views, a book is made and moved without touching what they show, as the original's is,
/// which is never built; of strings, it is built.
template <class Text>
struct book {
  Text title;
  Text size;
  Text summary;
  Text beginning;
  Text end;
  bool even;
  double number;
};

inline constexpr std::string_view lines(std::size_t length) {
  constexpr std::string_view text =
      "It was a dark and stormy night; the rain fell in torrents, except at occasional intervals, "
      "when it was checked by a violent gust of wind which swept up the streets, for it is in "
      "London that our scene lies, rattling along the house-tops, and fiercely agitating the "
      "scanty "
      "flame of the lamps that struggled against the darkness. Through one of the obscurest "
      "quarters "
      "of London, and among haunts little loved by the gentlemen of the police, a man, evidently "
      "of "
      "the lowest orders, was wending his solitary way. He stopped twice or thrice at different "
      "shops and houses of a description correspondent with the appearance of the quartier in "
      "which "
      "they were situated, and tended inquiry for some article or another which did not seem "
      "easily "
      "to be met with. All the answers he received were couched in the negative; and as he turned "
      "from each door he muttered to himself, in no very elegant phraseology, his disappointment "
      "and discontent. At length, at one house, the landlord, a sturdy butcher, made him welcome.";
  return text.substr(0, length);
}

template <class Text>
book<Text> make_book(int number) {
  return {Text(lines(130)),
          Text("large"),
          Text(lines(540)),
          Text(lines(440)),
          Text(lines(980)),
          number % 2 == 0,
          1.2342342111111111e32 * number};
}

// --- only casts

template <class Text>
struct donate {
  book<Text> given;
  using returns = millrace::fire_and_forget;
};

template <class Text>
using donations = millrace::protocol<donate<Text>>;

struct counting_store {
  int received = 0;
  template <class Text>
  void operator()(donate<Text>&&) {
    ++received;
  }
};

struct parties {
  int donors;
  int stores;
};

template <class Text, class Input>
task<> give(std::vector<Input> stores, int to_each, const millrace::scheduler& where) {
  for (auto& store : stores) {
    auto in = store.on(where);
    for (int i = 0; i < to_each; ++i) {
      donate<Text> gift{make_book<Text>(1)};
      const bool given = co_await cast(in, std::move(gift));
      must(given, "a donation failed");
    }
  }
}

template <class Box>
task<> count(Box box, int expected, const millrace::scheduler& where) {
  auto inbox = box.on(where);
  counting_store mine;
  while (auto message = co_await inbox.receive()) {
    handle(std::move(*message), mine);
  }
  must(mine.received == expected, "books were lost");
}

/// Coroutines, and boxes with this policy.
template <class Text, class Policy>
void run_casts(const parties& p, int total, const Policy& policy,
               const millrace::scheduler& where) {
  using box = millrace::message_box<typename donations<Text>::message, Policy>;
  millrace::task_group everybody(where);
  std::vector<typename box::input_type> stores;
  for (int i = 0; i < p.stores; ++i) {
    box store(policy);
    stores.push_back(store.new_input());
    everybody.spawn(count(std::move(store), total / p.stores, where));
  }
  for (int i = 0; i < p.donors; ++i) {
    everybody.spawn(give<Text>(stores, total / p.donors / p.stores, where));
  }
  stores.clear();
  everybody.wait();
}

// --- casts and calls

/// What a store has, as a list that grows at its front, so that a customer gets all of it by
/// getting its first entry, while the store goes on.
template <class Text>
struct entry {
  book<Text> own;
  std::shared_ptr<const entry> next;

  entry(book<Text>&& b, std::shared_ptr<const entry>&& rest)
      : own(std::move(b)), next(std::move(rest)) {}
  entry(const entry&) = delete;
  entry& operator=(const entry&) = delete;
  ~entry() {  // one after the other: the list is long
    while (next && next.use_count() == 1) {
      next = std::move(const_cast<entry&>(*next).next);
    }
  }
};

template <class Text>
struct get_books {
  using returns = millrace::returns<std::shared_ptr<const entry<Text>>>;
};

template <class Text>
using store_api = millrace::protocol<donate<Text>, get_books<Text>>;

template <class Text>
class store {
 public:
  void operator()(donate<Text>&& d) {
    shelf_ = std::make_shared<const entry<Text>>(std::move(d.given), std::move(shelf_));
    ++handled_;
  }
  auto operator()(get_books<Text>&&, reply_box<std::shared_ptr<const entry<Text>>> reply) {
    ++handled_;
    return reply_to(reply, shelf_);
  }
  [[nodiscard]] int handled() const { return handled_; }

 private:
  std::shared_ptr<const entry<Text>> shelf_;
  int handled_ = 0;
};

struct market {
  int donors = 500;
  int stores = 10;
  int customers = 500;
  int each = 10;  // donations of a donor to each store, and calls of a customer
};

template <class Text, class Box>
task<> keep_store(Box box, int expected, const millrace::scheduler& where) {
  auto inbox = box.on(where);
  store<Text> mine;
  while (auto message = co_await inbox.receive()) {
    handle(std::move(*message), mine);
  }
  must(mine.handled() == expected, "commands were lost");
}

template <class Text, class Input>
task<> ask_for_books(std::vector<Input> stores, int times, const millrace::scheduler& where) {
  for (int i = 0; i < times; ++i) {
    for (auto& store : stores) {
      auto in = store.on(where);
      auto reply = co_await call_async(in, get_books<Text>{});
      const auto books = co_await std::move(reply).on(where);
      must(books.has_value(), "a call failed");
    }
  }
}

template <class Text, class Policy>
void run_calls(const market& m, const Policy& policy, const millrace::scheduler& where) {
  using box = millrace::message_box<typename store_api<Text>::message, Policy>;
  millrace::task_group everybody(where);
  std::vector<typename box::input_type> stores;
  for (int i = 0; i < m.stores; ++i) {
    box store(policy);
    stores.push_back(store.new_input());
    everybody.spawn(keep_store<Text>(std::move(store), m.each * (m.donors + m.customers), where));
  }
  for (int i = 0; i < m.donors; ++i) {
    everybody.spawn(give<Text>(stores, m.each, where));
  }
  for (int i = 0; i < m.customers; ++i) {
    everybody.spawn(ask_for_books<Text>(stores, m.each, where));
  }
  stores.clear();
  everybody.wait();
}

}  // namespace bench::book_store
