// says: a command must say how it returns
#include "box/shop.hpp"

struct lend {};

using api = millrace::protocol<lend>;
void use(millrace::message_box<api::message>::input_type& in) {
  (void)cast(in, lend{});
}
