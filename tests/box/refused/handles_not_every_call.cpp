// says: the handler has no function for this command: it needs one that takes (Command&&,
// reply_box<R>)
#include "box/shop.hpp"

// says: fetch
void use(shop::api::message&& message) {
  handle(std::move(message),
         millrace::overloaded{
             [](shop::donate&&) {},
             [](shop::buy&&, millrace::reply_box<bool> reply) { return reply_to(reply, true); },
             [](shop::sweep&&, millrace::reply_box<void> reply) { return reply_to(reply); }});
}
