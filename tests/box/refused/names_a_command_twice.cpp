// says: a protocol names each command once
#include "box/shop.hpp"

using api = millrace::protocol<shop::buy, shop::sweep, shop::buy>;
millrace::message_box<api::message> box;
