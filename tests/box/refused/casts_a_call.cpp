// says: this command returns a reply: call it, don't cast it
#include "box/shop.hpp"

void use(shop::box<>::input_type& in) {
  (void)cast(in, shop::buy{"Emma"});
}
