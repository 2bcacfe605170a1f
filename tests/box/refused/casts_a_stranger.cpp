// says: this command is not in the protocol of the box it is sent to
#include "box/shop.hpp"

struct lend {
  using returns = millrace::fire_and_forget;
};

void use(shop::box<>::input_type& in) {
  (void)cast(in, lend{});
}
