// says: a call can be delegated only by a command that returns the same type
#include "box/shop.hpp"

void use(shop::box<>::input_type& in, millrace::reply_box<int>& reply) {
  (void)delegate_call(reply, in, shop::buy{"Emma"});
}
