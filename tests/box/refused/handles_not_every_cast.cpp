// says: the handler has no function for this command: it needs one that takes (Command&&)
#include "box/shop.hpp"

// says: donate
struct forgetful : shop::clerk {
  using shop::clerk::operator();
  void operator()(shop::donate&&) = delete;
};

void use(shop::api::message&& message) {
  handle(std::move(message), forgetful());
}
