// says: the functions of a handler must all return the same type
#include "box/shop.hpp"

struct undecided : shop::clerk {
  using shop::clerk::operator();
  int operator()(shop::donate&&) { return 1; }
};

void use(shop::api::message&& message) {
  handle(std::move(message), undecided());
}
