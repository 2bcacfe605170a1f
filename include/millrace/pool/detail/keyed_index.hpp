// Finds things by their keys that lie somewhere else and stay there: an index of theirs. It
// allocates nothing for each, where keys can be hashed; where they can only be ordered, it is a
// map.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include <millrace/pool/detail/keyed_map.hpp>

namespace millrace::detail {

/// Part of what can be found: by whom, and what follows in its bucket.
template <class Entry>
class indexed {
  template <pool_key, class>
  friend class keyed_index;
  Entry* next_ = nullptr;
};

/// `Entry` derives from indexed<Entry>, and has a `key`. Not thread-safe.
template <pool_key Key, class Entry>
class keyed_index {
 public:
  /// False: there is one of this key. Throws std::bad_alloc, and has not changed then.
  [[nodiscard]] bool insert(Entry& e) { return by_key_.emplace(e.key, &e).second; }
  [[nodiscard]] Entry* find(const Key& key) const {
    const auto it = by_key_.find(key);
    return it == by_key_.end() ? nullptr : it->second;
  }
  /// REQUIRES: it is in here.
  void erase(Entry& e) { by_key_.erase(e.key); }
  /// nullptr: it is empty.
  [[nodiscard]] Entry* any() const { return by_key_.empty() ? nullptr : by_key_.begin()->second; }
  [[nodiscard]] std::size_t size() const noexcept { return by_key_.size(); }

 private:
  std::map<Key, Entry*> by_key_;
};

/// The same as a hash table: entries whose hashes have the same remainder form a list. Divided by
/// primes, keys that count up find their neighbours' buckets in the cache, and those that are all
/// multiples of something spread.
template <pool_key Key, class Entry>
requires hashable_key<Key>
class keyed_index<Key, Entry> {
 public:
  [[nodiscard]] bool insert(Entry& e) {
    if (find(e.key) != nullptr) {
      return false;
    }
    if (size_ == buckets_.size()) {
      grow();
    }
    push(buckets_, e);
    ++size_;
    first_ = 0;
    return true;
  }
  [[nodiscard]] Entry* find(const Key& key) const {
    if (size_ == 0) {
      return nullptr;
    }
    Entry* e = buckets_[bucket_of(key, buckets_)];
    while (e != nullptr && !(e->key == key)) {
      e = next(*e);
    }
    return e;
  }
  void erase(Entry& e) {
    Entry** at = &buckets_[bucket_of(e.key, buckets_)];
    while (*at != &e) {
      at = &next(**at);
    }
    *at = next(e);
    --size_;
  }
  [[nodiscard]] Entry* any() {
    if (size_ == 0) {
      return nullptr;
    }
    while (buckets_[first_] == nullptr) {
      ++first_;
    }
    return buckets_[first_];
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  using list_of_buckets = std::vector<Entry*>;

  [[nodiscard]] static Entry*& next(indexed<Entry>& e) noexcept { return e.next_; }
  [[nodiscard]] static std::size_t bucket_of(const Key& key, const list_of_buckets& in) {
    return std::hash<Key>{}(key) % in.size();
  }
  static void push(list_of_buckets& to, Entry& e) {
    Entry*& first = to[bucket_of(e.key, to)];
    next(e) = std::exchange(first, &e);
  }
  void grow() {
    list_of_buckets larger(static_cast<std::size_t>(primes.at(grown_)));
    for (Entry* e : buckets_) {
      while (e != nullptr) {
        push(larger, *std::exchange(e, next(*e)));
      }
    }
    buckets_ = std::move(larger);
    ++grown_;
  }

  /// Each about four times the one before: to grow is to visit all entries.
  static constexpr std::array primes{13U,       53U,       193U,       769U,      3079U,
                                     12289U,    49157U,    196613U,    786433U,   3145739U,
                                     12582917U, 50331653U, 201326611U, 805306457U};

  list_of_buckets buckets_;
  std::size_t grown_ = 0;
  std::size_t size_ = 0;
  std::size_t first_ = 0;  // no bucket before has an entry
};

}  // namespace millrace::detail
