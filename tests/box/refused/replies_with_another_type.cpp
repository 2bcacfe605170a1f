// says: the handler has no function for this command: it needs one that takes (Command&&,
// reply_box<R>)
#include "box/shop.hpp"

// says: buy
struct misled : shop::clerk {
  using shop::clerk::operator();
  auto operator()(shop::buy&&, millrace::reply_box<int> reply) { return reply_to(reply, 1); }
  auto operator()(shop::buy&&, millrace::reply_box<bool>) = delete;
};

void use(shop::api::message&& message) {
  handle(std::move(message), misled());
}
