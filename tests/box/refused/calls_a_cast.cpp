// says: nobody replies to this command: cast it, don't call it
#include "box/shop.hpp"

void use(shop::box<>::input_type& in) {
  (void)call(in, shop::book("Emma"), std::chrono::seconds(1));
}
