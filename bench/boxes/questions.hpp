// The questions of millrace_box_bench. Each registers its benchmarks, named question/peer/parties.
#pragma once

namespace bench {

void ask_box_pair();
void ask_box_one_way();
void ask_messages();
void ask_book_store();
void ask_media_mixing();
void ask_calls();

}  // namespace bench
