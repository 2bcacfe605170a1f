// What the files beside this one would be without their mistakes.
#include "box/shop.hpp"

void use(shop::box<>::input_type& in, millrace::reply_box<bool>& reply) {
  (void)cast(in, shop::book("Emma"));
  (void)call(in, shop::buy{"Emma"}, std::chrono::seconds(1));
  (void)delegate_call(reply, in, shop::buy{"Emma"});
}
void use(shop::api::message&& message) {
  handle(std::move(message), shop::clerk());
}
