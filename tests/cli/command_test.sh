# Tests of the millrace command: command_test.sh MILLRACE JSON_VALUE COMPLETION CASE
# Each function test_CASE is a sentence about the command. It runs in an empty directory; queues go
# to ./queues unless it says otherwise.

if [[ -z ${MILLRACE_TEST_WATCHED-} ]]; then
  # The watchdog: ends the case and whatever it started.
  MILLRACE_TEST_WATCHED=1 exec timeout --kill-after=5 240 bash "$0" "$@"
fi

set -u
millrace=$1 json_value=$2 completion=$3 case=$4

scratch=$(mktemp -d)
clean_up() {
  local children
  children=$(jobs -pr)
  [[ -z $children ]] || kill -KILL $children 2>/dev/null
  # By name, for a queue has semaphores outside of its directory.
  "$millrace" list --directory "$directory" | xargs -r "$millrace" remove --directory "$directory"
  rm -rf "$scratch"
}
trap clean_up EXIT
cd "$scratch" || exit 1
directory=$scratch/queues
mkdir "$directory"

fail() {
  echo "FAILED: $case: $*" >&2
  exit 1
}

same() { # WHAT FOUND EXPECTED
  [[ $2 == "$3" ]] || fail "$1 is '$2', expected '$3'"
}

# run VERB ARGUMENTS...: the command over the test's directory; leaves ./out, ./err and $code.
run() {
  "$millrace" "$@" --directory "$directory" >out 2>err
  code=$?
}

ok() {
  run "$@"
  [[ $code == 0 ]] || fail "'$*' exits with $code and says: $(cat err)"
  [[ ! -s err ]] || fail "'$*' succeeds but says: $(cat err)"
}

# error CODE PATTERN VERB ARGUMENTS...: fails with that code and one line that matches.
error() {
  local expected=$1 pattern=$2
  shift 2
  run "$@"
  same "exit code of '$*' (which says '$(cat err)')" "$code" "$expected"
  one_line "$pattern"
}

one_line() { # PATTERN: that ./err is
  same "number of lines in '$(cat err)'" "$(wc -l <err)" 1
  [[ $(cat err) =~ ^"millrace: " ]] || fail "no 'millrace: ' before '$(cat err)'"
  [[ $(cat err) =~ $1 ]] || fail "'$(cat err)' does not match '$1'"
}

about() { # QUEUE FIELD
  "$millrace" stat "$1" --json --directory "$directory" | "$json_value" "/$2"
}

wait_until() { # COMMAND...: as long as the watchdog lets us
  until "$@" 2>/dev/null; do
    sleep 0.02
  done
}

# background VERB ARGUMENTS...: sets $pid. A shell takes standard input and SIGINT
# from background jobs, so give them back.
background() {
  env --default-signal=INT "$millrace" "$@" --directory "$directory" <&0 &
  pid=$!
}

# A pipe to feed a background publish by; the shell keeps it open as descriptor 5.
input_pipe() {
  rm -f pipe
  mkfifo pipe
  exec 5<>pipe
}

is() { # QUEUE FIELD VALUE, for wait_until
  [[ $(about "$1" "$2") == "$3" ]]
}

taken_at_least() { # QUEUE NUMBER
  (($(about "$1" finished) >= $2))
}

# --- create ---------------------------------------------------------------------------------------

test_create_makes_a_queue_of_the_size_asked_for() {
  local text
  for text in 65536 64KiB 64K; do
    ok create q --capacity $text --block-size 128
    same capacity "$(about q capacity)" 65536
    same block_size "$(about q block_size)" 128
    same slots "$(about q slots)" 512
    ok remove q
  done
  ok create q --capacity 2M
  same capacity "$(about q capacity)" 2097152
  ok create r
  same "capacity by default" "$(about r capacity)" 1048576
  same "block size by default" "$(about r block_size)" 256
}

test_create_refuses_a_queue_that_exists_and_leaves_it_alone() {
  ok create q
  echo precious | "$millrace" publish q --directory "$directory"
  error 1 "'millrace remove'" create q
  error 1 "'millrace remove'" create q --capacity 8MiB
  ok subscribe q
  same content "$(cat out)" precious
}

test_create_takes_roles_guarantee_and_permissions() {
  ok create q --exclusive-publisher --exclusive-subscriber --at-most-once --permissions 0640
  same publishers "$(about q publishers)" exclusive
  same subscribers "$(about q subscribers)" exclusive
  same guarantee "$(about q guarantee)" at_most_once
  same mode "$(stat -c %a "$directory/q")" 640
  ok create r
  same publishers "$(about r publishers)" shared
  same subscribers "$(about r subscribers)" shared
  same guarantee "$(about r guarantee)" at_least_once
  same life "$(about r life)" persistent
  same mode "$(stat -c %a "$directory/r")" 600
}

test_a_queue_of_another_user_is_used_by_who_says_so() {
  ((EUID == 0)) || { echo "skipped: needs the right to give files away"; return; }
  ok create q --permissions 0660
  chown 65534 "$directory/q"
  error 1 "user 65534.*--permissions 0660" publish q --file /dev/null
  error 1 "user 65534.*--permissions 0660" subscribe q
  ok publish q --permissions 0660 --file <(echo ours)
  ok subscribe q --permissions 0660
  same content "$(cat out)" ours
  ok publish made --permissions 0640 --file /dev/null
  same "mode of a new one" "$(stat -c %a "$directory/made")" 640
}

test_an_exclusive_role_refuses_a_second_one_and_says_who_has_it() {
  ok create q --exclusive-publisher
  input_pipe
  background publish q <pipe 5>&-
  wait_until is q participants/0/pid $pid
  run publish q </dev/null
  same "exit code" "$code" 1
  one_line "millrace stat"
  exec 5>&-
  wait $pid || fail "the first publisher suffered"
}

test_bad_options_are_usage_errors_that_show_a_good_one() {
  local text
  # CLI11 takes "--option=" and the next word together, so an empty value is one of its own.
  error 2 "--capacity .*''.*64KiB" create q --capacity ""
  error 2 "--timeout .*5s" subscribe q --timeout ""
  for text in 12Q 0 -1 1.5M 99999999999GiB; do
    error 2 "--capacity .*'$text'.*64KiB" create q --capacity="$text"
    error 2 "--block-size .*64KiB" create q --block-size="$text"
    error 2 "--chunk .*64KiB" publish q --delimiter none --chunk="$text"
  done
  for text in 8 1777 rw 0x1ff; do
    error 2 "--permissions .*0600" create q --permissions="$text"
    error 2 "--permissions .*0600" publish q --permissions="$text"
  done
  for text in never -1s 5x 1e3; do
    error 2 "--timeout .*5s" subscribe q --timeout="$text"
  done
  for text in comma Newline; do
    error 2 "--delimiter .*newline, nul or none" publish q --delimiter="$text"
    error 2 "--delimiter .*newline, nul or none" subscribe q --delimiter="$text"
  done
  for text in many -1 1.5 99999999999999999999; do
    error 2 "--count .*'$text'" subscribe q --count="$text"
    error 2 "--count .*'$text'" peek q --count="$text"
  done
  error 2 "--delimiter none" publish q --chunk 4096
  error 2 "block" create q --block-size 100
  [[ -z $(ls -A "$directory") ]] || fail "left behind: $(ls -A "$directory")"
}

test_bad_names_are_usage_errors_everywhere() {
  local name
  for name in "" .hidden a/b "a b" ../q "$(printf 'x%.0s' {1..201})" $'new\nline'; do
    local verb
    for verb in create publish subscribe stat doctor peek remove; do
      run "$verb" "$name" </dev/null
      same "exit code of $verb '$name' ($(cat err))" "$code" 2
      one_line "letters, digits"
    done
  done
  [[ -z $(ls -A "$directory") ]] || fail "left behind: $(ls -A "$directory")"
  ok create "$(printf 'x%.0s' {1..200})"
}

test_an_empty_directory_is_not_taken_for_the_users_own() {
  local verb
  for verb in "create q" "publish q" "subscribe q" list "stat q" "peek q" "remove q" bench; do
    usage_error "--directory cannot be ''" $verb --directory ""
  done
}

test_queues_live_in_the_users_own_directory_by_default() {
  local name=millrace-command-test-$$
  echo hello | "$millrace" publish $name || fail "publish"
  "$millrace" list | grep -qx $name || fail "not listed"
  same content "$("$millrace" subscribe $name)" hello
  "$millrace" remove $name || fail "remove"
  "$millrace" list | grep -qx $name && fail "still listed"
  return 0
}

# --- publish --------------------------------------------------------------------------------------

test_a_line_is_a_message_and_so_are_an_empty_and_an_unfinished_one() {
  printf 'one\n\nthree\nlast' >input
  ok publish q --file input
  same depth "$(about q depth)" 4
  same "bytes without newlines" "$(about q depth_bytes)" 12
  ok subscribe q
  same content "$(cat out)" "$(cat input)"
  same lines "$(wc -l <out)" 4
}

test_no_input_is_no_message() {
  ok publish q --file /dev/null
  same depth "$(about q depth)" 0
}

test_a_message_is_delivered_before_its_input_ends() {
  input_pipe
  background publish q <pipe 5>&-
  printf 'now\nunfinished' >&5
  wait_until is q depth 1
  same "what came" "$("$millrace" peek q --count 9 --directory "$directory")" now
  exec 5>&-
  wait $pid || fail "publish"
  ok subscribe q
  same "what came" "$(cat out)" $'now\nunfinished'
}

test_nul_ends_messages_that_may_hold_newlines() {
  printf 'a\nb\0\0c' >input
  ok publish q --delimiter nul --file input
  same depth "$(about q depth)" 3
  ok subscribe q --delimiter nul
  printf 'a\nb\0\0c\0' | cmp - out || fail "content"
}

test_raw_chunks_have_the_size_asked_for_but_for_the_last() {
  head -c 300000 /dev/urandom >input
  local chunk
  local -i size
  ok create q --capacity 1MiB
  for chunk in 4096 4KiB 1K 65536; do
    size=$(numfmt --from=auto "${chunk%B}")
    [[ $chunk != 1K ]] || size=1024
    ok publish q --delimiter none --chunk $chunk --file input
    same depth "$(about q depth)" $(((300000 + size - 1) / size))
    same depth_bytes "$(about q depth_bytes)" 300000
    ok subscribe q --delimiter none
    cmp input out || fail "content by --file with --chunk $chunk"
    ok publish q --delimiter none --chunk $chunk < <(cat input)
    same depth "$(about q depth)" $(((300000 + size - 1) / size))
    ok subscribe q --delimiter none
    cmp input out || fail "content by pipe with --chunk $chunk"
  done
  ok publish q --delimiter none --file input
  same "depth by default" "$(about q depth)" 5
}

test_a_chunk_waits_for_its_bytes_from_a_slow_pipe() {
  ok publish q --delimiter none --chunk 4096 \
    < <(head -c 3000 /dev/zero; sleep 0.2; head -c 3000 /dev/zero; sleep 0.2; head -c 3000 /dev/zero)
  same depth "$(about q depth)" 3
  ok peek q --delimiter none
  same "the first one's size" "$(wc -c <out)" 4096
}

test_a_chunk_too_long_for_the_queue_is_refused_and_the_default_fits_itself() {
  ok create q --capacity 16KiB
  head -c 20000 /dev/urandom >input
  error 2 "8192" publish q --delimiter none --chunk 8193 --file input
  same depth "$(about q depth)" 0
  background subscribe q --delimiter none --follow >taken
  ok publish q --delimiter none --file input
  wait_until taken_at_least q 3
  kill -TERM $pid
  wait $pid
  cmp input taken || fail content
}

test_lines_may_hold_any_bytes() {
  (head -c 400000 /dev/urandom; echo) >input
  local -i lines
  lines=$(wc -l <input)
  ok publish q --capacity 4MiB --file input
  same depth "$(about q depth)" $lines
  ok subscribe q
  cmp input out || fail content
}

test_lines_longer_than_the_read_buffer_come_through() {
  ok create q --capacity 8MiB
  local -i size
  for size in 262143 262144 262145 700000 1500000; do
    head -c $size /dev/zero | tr '\0' x >>input
    printf '\nshort\n' >>input
  done
  ok publish q --file input
  same depth "$(about q depth)" 10
  ok subscribe q
  cmp input out || fail content
}

test_a_line_too_long_names_itself_and_loses_none_before_it() {
  ok create q --capacity 16KiB
  line() { head -c "$1" /dev/zero | tr '\0' x; }
  { echo first; line 8192; echo; line 9000; printf '\nlast\n'; } >input
  error 1 "line 3 of input has 9,000 bytes.* 8,192.*--capacity 32768" publish q --file input
  same depth "$(about q depth)" 2
  ok subscribe q
  cmp out <(head -n 2 input) || fail "what came before it"
  run publish q < <(cat input)
  one_line "line 3 of standard input has 9,000 bytes"
  # What it says to do helps.
  ok publish larger --capacity 32768 --file input
  same depth "$(about larger depth)" 4
  # Longer than any buffer, and the last one without a newline.
  { echo short; line 1000000; } >input
  error 1 "line 2 of input has 1,000,000 bytes" publish larger --file input
  printf 'a\0%s\0' "$(line 8193)" >input
  ok remove q
  ok create q --capacity 16KiB
  error 1 "string 2 of input has 8,193 bytes" publish q --delimiter nul --file input
}

test_input_that_cannot_be_read_is_an_error_that_names_it() {
  error 1 "no-such-file: No such file" publish q --file no-such-file
  error 1 "queues: Is a directory" publish q --file "$directory"
  error 2 "--file: no file is named" publish q --file ""
}

test_publish_makes_the_queue_as_asked_and_refuses_another_size() {
  ok publish q --capacity 32KiB --block-size 64 --file /dev/null
  same capacity "$(about q capacity)" 32768
  same block_size "$(about q block_size)" 64
  error 1 "65536.*32768|32768.*65536" publish q --capacity 64KiB --file /dev/null
  ok publish q --capacity 32KiB --file /dev/null
}

test_publish_waits_while_the_queue_is_full() {
  ok create q --capacity 16KiB
  seq 1 5000 >input
  background publish q --file input
  wait_until is q used_slots 64
  kill -0 $pid || fail "it did not wait"
  ok subscribe q --count 5000
  wait $pid || fail "publish"
  cmp input out || fail content
}

test_publish_says_when_its_queue_is_removed() {
  ok create q --capacity 16KiB
  background publish q --file <(seq 1 5000) 2>publish-err
  wait_until is q used_slots 64
  ok remove q
  wait $pid
  same "exit code" $? 1
  mv publish-err err
  one_line "removed"
}

test_an_interrupted_publish_says_how_far_it_came() {
  local signal
  for signal in INT TERM; do
    # It waits for room.
    ok create q --capacity 16KiB
    background publish q --file <(seq 1 5000) 2>publish-err
    wait_until is q used_slots 64
    kill -$signal $pid
    wait $pid
    same "exit code" $? 1
    mv publish-err err
    one_line "interrupted; $(about q depth) messages"
    ok remove q
    # It waits for input.
    input_pipe
    background publish q <pipe 2>publish-err 5>&-
    echo one >&5
    wait_until is q depth 1
    kill -$signal $pid
    wait $pid
    same "exit code" $? 1
    exec 5>&-
    mv publish-err err
    one_line "interrupted; 1 messages"
    ok remove q
  done
}

# --- subscribe ------------------------------------------------------------------------------------

test_publish_and_subscribe_work_in_pipes() {
  seq 1 100 >f
  local lines
  lines=$({ cat f | "$millrace" publish q --directory "$directory" & } \
    && "$millrace" subscribe q --count 100 --directory "$directory" | wc -l)
  same lines "$lines" 100
  wait
}

test_subscribe_waits_for_a_queue_that_is_not_there_yet() {
  background subscribe q --count 3 >taken
  sleep 0.3
  kill -0 $pid || fail "it did not wait"
  [[ -z $(ls -A "$directory") ]] || fail "it made the queue itself"
  printf 'a\nb\nc\n' | "$millrace" publish q --capacity 16KiB --directory "$directory"
  wait $pid || fail "subscribe"
  same content "$(cat taken)" $'a\nb\nc'
}

test_subscribe_without_options_takes_what_is_there_and_ends() {
  seq 1 3000 >input
  ok publish q --file input
  ok subscribe q
  cmp input out || fail content
  ok subscribe q
  [[ ! -s out ]] || fail "something came twice"
  error 1 "nothing-like-it.*'millrace list'.*'millrace create'" subscribe nothing-like-it
}

test_count_takes_no_more_than_asked() {
  ok publish q --file <(seq 1 500)
  ok subscribe q --count 130
  cmp out <(seq 1 130) || fail content
  same depth "$(about q depth)" 370
  same in_hands "$(about q in_hands)" 0
  ok subscribe q --count 0
  [[ ! -s out ]] || fail "something came"
  error 1 "nothing-like-it.*'millrace list'" subscribe nothing-like-it --count 0
  ok subscribe q
  cmp out <(seq 131 500) || fail "the rest"
}

test_a_timeout_ends_the_wait_with_3_after_what_came_was_printed() {
  error 3 "q within 50ms" subscribe q --timeout 50ms --count 1
  ok create q
  error 3 "q within 0.05s" subscribe q --timeout 0.05s
  error 3 "q within 50ms" subscribe q --timeout 50ms --follow
  ok publish q --file <(seq 1 3)
  error 3 "q within 50ms" subscribe q --timeout 50ms --count 4
  cmp out <(seq 1 3) || fail content
  same depth "$(about q depth)" 0
  same finished "$(about q finished)" 3
  error 3 "q within 0" subscribe q --timeout 0
}

test_follow_prints_at_once_and_ends_cleanly_by_signal() {
  local signal
  for signal in INT TERM HUP; do
    background subscribe q --follow >taken
    echo one | "$millrace" publish q --directory "$directory"
    wait_until grep -q one taken
    kill -0 $pid || fail "it ended"
    seq 1 1000 | "$millrace" publish q --directory "$directory"
    wait_until grep -qx 1000 taken
    kill -$signal $pid
    wait $pid
    same "exit code by $signal" $? 0
    cmp taken <(echo one; seq 1 1000) || fail content
    same depth "$(about q depth)" 0
    same finished "$(about q finished)" 1001
    same participants "$(about q participants)" "[]"
    ok remove q
  done
}

test_an_interrupted_count_has_failed() {
  background subscribe q --count 3 >taken 2>subscribe-err
  printf 'a\nb\n' | "$millrace" publish q --directory "$directory"
  wait_until taken_at_least q 2
  kill -INT $pid
  wait $pid
  same "exit code" $? 1
  mv subscribe-err err
  one_line "interrupted after 2 of 3"
  same content "$(cat taken)" $'a\nb'
}

test_a_signal_that_was_ignored_at_the_start_stays_ignored() {
  ok create q
  env --ignore-signal=HUP "$millrace" subscribe q --follow --directory "$directory" >taken &
  pid=$!
  wait_until is q participants/0/pid $pid
  kill -HUP $pid
  echo still | "$millrace" publish q --directory "$directory"
  wait_until grep -q still taken
  kill -TERM $pid
  wait $pid || fail "exit code $?"
}

test_a_closed_pipe_ends_subscribe_quietly_and_gives_back_what_was_not_written() {
  ok publish q --capacity 8MiB --file <(seq 1000000 1029999)
  local -a codes
  "$millrace" subscribe q --follow --directory "$directory" 2>err | head -n 1 >first
  codes=("${PIPESTATUS[@]}")
  same "exit code" "${codes[0]}" 1
  [[ ! -s err ]] || fail "it says $(cat err)"
  same "the first line" "$(cat first)" 1000000
  same in_hands "$(about q in_hands)" 0
  same participants "$(about q participants)" "[]"
  same "messages finished and kept" $(($(about q finished) + $(about q depth))) 30000
  (($(about q depth) > 0)) || fail "nothing was kept"
  # Whatever is kept is the whole rest, in pieces that were not lost.
  local -i finished
  finished=$(about q finished)
  ok subscribe q
  cmp <(sort -n out) <(seq $((1000000 + finished)) 1029999) || fail "the rest"
}

test_pipes_that_do_not_block_are_waited_for() {
  non_blocking() { # STDIN|STDOUT COMMAND...
    perl -MFcntl -e 'fcntl($ARGV[0] eq "STDIN" ? STDIN : STDOUT, F_SETFL, O_NONBLOCK) or die;
      shift; exec @ARGV' "$@" --directory "$directory"
  }
  head -c 3000000 /dev/urandom >input
  (sleep 0.3; cat input) | non_blocking STDIN "$millrace" publish q --delimiter none \
    --capacity 8MiB --chunk 100KiB
  same "exit code" "${PIPESTATUS[1]}" 0
  non_blocking STDOUT "$millrace" subscribe q --delimiter none | (sleep 0.3; cat) >out
  same "exit code" "${PIPESTATUS[0]}" 0
  cmp input out || fail content
}

test_what_a_closed_pipe_did_not_take_is_not_finished() {
  ok publish q --capacity 8MiB --file <(seq 1000000 1029999)
  # The reader takes nothing, so what the pipe holds is all that can be done: 64 KiB by default.
  { "$millrace" subscribe q --follow --directory "$directory"; echo $? >code; } | sleep 1
  same "exit code" "$(cat code)" 1
  (($(about q finished) > 0)) || fail "nothing was written"
  (($(about q finished) * 8 <= 65536)) || fail "$(about q finished) were finished"
}

test_a_full_disk_costs_no_message() {
  seq 1 200 >input
  ok publish q --file input
  "$millrace" subscribe q --directory "$directory" >/dev/full 2>err
  same "exit code" $? 1
  one_line "No space left"
  same depth "$(about q depth)" 200
  ok subscribe q
  cmp <(sort -n out) input || fail content
}

test_closed_streams_are_errors_that_cost_no_message() {
  seq 1 5 >input
  ok publish q --file input
  "$millrace" subscribe q --count 2 --directory "$directory" <&- >&- 2>err
  same "exit code" $? 1
  one_line "standard output: Bad file descriptor"
  "$millrace" publish q --directory "$directory" <&- >&- 2>err
  same "exit code" $? 1
  one_line "standard input: Bad file descriptor"
  "$millrace" subscribe q --directory "$directory" <&- >&- 2>&-
  same "exit code with no stream at all" $? 1
  "$millrace" publish q --file input --directory "$directory" <&- >&- 2>&-
  same "exit code of a publish that needs none of them" $? 0
  same depth "$(about q depth)" 10
  ok subscribe q
  cmp <(sort -n out) <(sort -n input input) || fail content
}

test_a_signal_ends_subscribe_while_nobody_reads_its_output() {
  ok publish q --capacity 8MiB --file <(seq 1000000 1029999)
  mkfifo pipe
  exec 5<>pipe
  background subscribe q --follow >pipe
  wait_until is q in_hands 64
  kill -INT $pid
  wait $pid
  same "exit code" $? 0
  same in_hands "$(about q in_hands)" 0
  ok subscribe q
  exec 6<pipe 5>&-
  # The pipe may end with a piece of a line, which was given back.
  cmp <({ cat <&6; echo; cat out; } | grep -x '1[0-9]\{6\}' | sort -n) <(seq 1000000 1029999) \
    || fail "not every line once"
}

test_a_killed_subscriber_costs_no_message() {
  seq 1000000 1029999 >input
  ok publish q --capacity 8MiB --file input
  mkfifo pipe
  exec 5<>pipe
  background subscribe q --follow >pipe
  wait_until is q in_hands 64
  kill -KILL $pid
  wait $pid 2>/dev/null
  ok subscribe q
  exec 6<pipe 5>&-
  cat <&6 >>out
  # Some come twice; a piece of a line is left where it died.
  cmp <(sort -un out | grep -x '1[0-9]\{6\}') input || fail content
  same finished "$(about q finished)" 30000
}

test_subscribe_says_when_its_queue_is_removed() {
  background subscribe q --follow >taken 2>subscribe-err
  printf 'a\nb\n' | "$millrace" publish q --directory "$directory"
  wait_until taken_at_least q 2
  ok remove q
  wait $pid
  same "exit code" $? 1
  mv subscribe-err err
  one_line "removed after 2 messages"
}

test_a_million_lines_through_four_processes_all_arrive_once() {
  ok create q --capacity 1MiB
  local -a readers writers
  background subscribe q --follow >taken1; readers+=($pid)
  background subscribe q --follow >taken2; readers+=($pid)
  seq 1 500000 >odd
  seq 500001 1000000 >even
  background publish q --file odd; writers+=($pid)
  background publish q < <(cat even); writers+=($pid)
  wait "${writers[0]}" || fail "the first publisher"
  wait "${writers[1]}" || fail "the second publisher"
  wait_until is q finished 1000000
  kill -TERM "${readers[@]}"
  wait "${readers[0]}" || fail "the first subscriber"
  wait "${readers[1]}" || fail "the second subscriber"
  same lines "$(cat taken1 taken2 | wc -l)" 1000000
  cmp <(sort -n taken1 taken2) <(seq 1 1000000) || fail "not every line once"
  local file
  for file in taken1 taken2; do
    awk '$1 <= 500000 { if ($1 <= a) exit 1; a = $1; next } { if ($1 <= b) exit 1; b = $1 }' $file \
      || fail "a publisher's lines overtook each other in $file"
  done
}

# --- list, stat, peek, remove ---------------------------------------------------------------------

test_list_prints_sorted_names_and_nothing_else() {
  ok list
  [[ ! -s out ]] || fail "an empty directory lists $(cat out)"
  rmdir "$directory"
  ok list
  [[ ! -s out ]] || fail "a directory that is not there lists $(cat out)"
  error 1 "no directory.*--directory" create q
  mkdir "$directory"
  local name
  for name in b a-long.name_1 c; do
    ok create $name
  done
  echo foreign >"$directory/foreign"
  mkdir "$directory/folder"
  ok list
  same names "$(cat out)" $'a-long.name_1\nb\nc'
}

test_list_long_shows_messages_capacity_and_participants() {
  ok create empty --capacity 2MiB
  ok publish q --file <(seq 1 1234)
  input_pipe
  background publish q <pipe 5>&-
  wait_until is q participants/0/pid $pid
  ok list -l
  same lines "$(wc -l <out)" 3
  grep -qE '^NAME +MESSAGES +CAPACITY +PUBLISHERS +SUBSCRIBERS$' out || fail "$(cat out)"
  grep -qE '^empty +0 +2 MiB +0 +0$' out || fail "$(cat out)"
  grep -qE '^q +1,234 +1 MiB +1 +0$' out || fail "$(cat out)"
  cp out short
  ok list --long
  cmp out short || fail "--long is not -l"
  exec 5>&-
  wait $pid
}

test_stat_tells_counts_and_participants() {
  ok publish q --file <(printf 'abc\nde\n\n')
  ok subscribe q --count 1
  input_pipe
  background publish q <pipe 5>&-
  local -i publisher=$pid
  wait_until is q participants/0/pid $publisher
  same name "$(about q name)" q
  same path "$(about q path)" "$directory/q"
  same depth "$(about q depth)" 2
  same depth_bytes "$(about q depth_bytes)" 2
  same published "$(about q published)" 3
  same published_bytes "$(about q published_bytes)" 5
  same finished "$(about q finished)" 1
  same finished_bytes "$(about q finished_bytes)" 3
  same redeliveries "$(about q redeliveries)" 0
  same recoveries "$(about q recoveries)" 0
  same role "$(about q participants/0/role)" publisher
  same alive "$(about q participants/0/alive)" true
  ok stat q
  grep -qE "^waiting +2 messages, 2 bytes$" out || fail "$(cat out)"
  grep -qE "^capacity +1 MiB in 4,096 slots of 256 B$" out || fail "$(cat out)"
  grep -qE "^participants +1$" out || fail "$(cat out)"
  grep -qE "^ +publisher +pid $publisher " out || fail "$(cat out)"
  exec 5>&-
  wait $publisher
  background subscribe q --follow >taken
  wait_until is q participants/0/pid $pid
  same role "$(about q participants/0/role)" subscriber
  kill -TERM $pid
  wait $pid
  error 1 "nothing-like-it" stat nothing-like-it
}

test_stat_tells_who_died_and_what_was_found() {
  ok publish q --capacity 8MiB --file <(seq 1000000 1029999)
  mkfifo pipe
  exec 5<>pipe
  background subscribe q --follow >pipe
  local -i victim=$pid
  wait_until is q in_hands 64
  kill -KILL $victim
  wait $victim 2>/dev/null
  ok subscribe q --count 1
  same what "$(about q incidents/0/what)" death
  same pid "$(about q incidents/0/pid)" $victim
  same role "$(about q incidents/0/role)" subscriber
  same orphaned "$(about q incidents/0/orphaned)" 64
  same dropped "$(about q incidents/0/dropped)" 0
  [[ $(about q incidents/0/when) =~ ^20..-..-..T..:..:..\....Z$ ]] || fail "$(about q incidents/0/when)"
  ok stat q
  grep -qE "^  20.{22}  subscriber pid $victim died; pid [0-9]+ cleaned up, 64 being read to be delivered again$" \
    out || fail "$(cat out)"
}

test_doctor_finds_a_healthy_queue_in_order() {
  ok publish q --file <(seq 1 9)
  ok doctor q
  same "the first line" "$(head -n 1 out)" "q is in order"
  grep -q " 9 messages wait" out || fail "$(cat out)"
  ok doctor q --repair
  ok doctor q --json
  same healthy "$("$json_value" /healthy <out)" true
  same findings "$("$json_value" /findings <out)" "[]"
  same depth "$("$json_value" /depth <out)" 9
  error 1 "no-such-queue.*millrace list" doctor no-such-queue
}

# A subscriber with 64 messages in its hands; sets $pid.
subscriber_with_full_hands() {
  ok publish q --capacity 8MiB --file <(seq 1000000 1029999)
  mkfifo pipe
  exec 5<>pipe
  background subscribe q --follow >pipe
  wait_until is q in_hands 64
}

test_doctor_names_the_dead_and_what_they_hold_and_repairs() {
  subscriber_with_full_hands
  kill -KILL $pid
  wait $pid 2>/dev/null
  run doctor q
  same "exit code" "$code" 1
  [[ ! -s err ]] || fail "it says $(cat err)"
  grep -q "^q is not in order: 1 found; --repair " out || fail "$(cat out)"
  grep -qE "^wrong: subscriber pid $pid \(.*\): it died.* 64 being read" out || fail "$(cat out)"
  same "lines of what it holds" "$(grep -c "reading.* pid $pid, which is dead" out)" 64
  run doctor q --json
  same fault "$("$json_value" /findings/0/fault <out)" participant_dead
  same "who holds it" "$("$json_value" /holdings/0/who <out)" dead
  ok doctor q --repair
  grep -q "^repaired: cleaned up after subscriber pid $pid" out || fail "$(cat out)"
  grep -q "^q is in order$" out || fail "$(cat out)"
  grep -q "64 of them came back" out || fail "$(cat out)"
  ok doctor q
  same recoveries "$(about q recoveries)" 1
}

test_doctor_names_who_is_stopped_and_leaves_it_alone() {
  subscriber_with_full_hands
  kill -STOP $pid
  ok doctor q --repair
  grep -qE "^notice: subscriber pid $pid .*stopped.* 64 being read" out || fail "$(cat out)"
  same in_hands "$(about q in_hands)" 64
  kill -CONT $pid
}

test_doctor_says_when_a_file_was_cut_off() {
  ok create q
  truncate -s 5000 "$directory/q"
  run doctor q --repair
  same "exit code" "$code" 1
  grep -q "^wrong: the file: .* found 5000" out || fail "$(cat out)"
  [[ ! -s err ]] || fail "it says $(cat err)"
}

test_peek_shows_the_oldest_and_leaves_them() {
  ok publish q --file <(printf 'one\n\nthree\n')
  ok peek q
  same one "$(cat out)" one
  ok peek q --count 2
  cmp out <(printf 'one\n\n') || fail two
  ok peek q --count 100 --delimiter nul
  cmp out <(printf 'one\0\0three\0') || fail all
  ok peek q --count 100 --delimiter none
  cmp out <(printf onethree) || fail raw
  same depth "$(about q depth)" 3
  ok subscribe q
  ok peek q
  [[ ! -s out ]] || fail "an empty queue shows $(cat out)"
  error 1 nothing-like-it peek nothing-like-it
}

test_remove_takes_what_it_can_and_names_what_it_cannot() {
  ok create a
  ok create b
  error 1 "no queue nothing-like-it in $directory" remove a nothing-like-it b
  ok list
  [[ ! -s out ]] || fail "left: $(cat out)"
  echo foreign >"$directory/foreign"
  error 1 foreign remove foreign
  same "the foreign file" "$(cat "$directory/foreign")" foreign
}

test_a_file_that_is_no_queue_is_refused_by_name() {
  echo foreign >"$directory/foreign"
  local verb
  for verb in publish subscribe stat doctor peek create; do
    run $verb foreign </dev/null
    same "exit code of $verb" "$code" 1
    one_line foreign
  done
  same content "$(cat "$directory/foreign")" foreign
}

# --- the command as a whole -----------------------------------------------------------------------

usage_error() { # PATTERN ARGUMENTS...
  local pattern=$1
  shift
  "$millrace" "$@" >out 2>err
  same "exit code of '$*'" $? 2
  [[ ! -s out ]] || fail "'$*' prints $(cat out)"
  one_line "$pattern"
}

test_wrong_usage_exits_with_2_and_says_where_help_is() {
  usage_error "--help"
  usage_error "frobnicate.*--help" frobnicate
  usage_error "--frobnicate.*--help" --frobnicate
  usage_error "--frobnicate.*--help" create q --frobnicate
  usage_error "required.*--help" create
  usage_error "required.*--help" remove
  usage_error "--help" stat a b
  usage_error "--help" create a publish b
}

test_help_and_version_go_to_standard_output() {
  same version "$("$millrace" --version)" \
    "millrace $(sed -n 's/.*MILLRACE_VERSION "\(.*\)"/\1/p' "$(dirname "$completion")/../../include/millrace/version.hpp")"
  local verb
  for verb in create publish subscribe list stat doctor peek remove link bench; do
    "$millrace" --help | grep -qE "^ +$verb " || fail "--help does not list $verb"
    "$millrace" $verb --help >out 2>err || fail "$verb --help exits with $?"
    [[ ! -s err ]] || fail "$verb --help says $(cat err)"
    grep -q -- "--directory" out || fail "$verb --help lists no options"
  done
}

test_a_closed_pipe_ends_every_verb_quietly() {
  ok publish q --file <(seq 1 4000)
  local verb
  for verb in "list" "stat q" "doctor q" "peek q --count 4000" "subscribe q" "create --help"; do
    # The pipe has no reader from the start.
    (sleep 0.2; exec "$millrace" $verb --directory "$directory") 2>err | true
    same "exit code of $verb" "${PIPESTATUS[0]}" 1
    [[ ! -s err ]] || fail "$verb says $(cat err)"
  done
  same depth "$(about q depth)" 4000
}

on_a_terminal() { # COMMAND: in a pseudo-terminal of 100 columns; leaves ./terminal
  script -qec "stty cols 100; $1" terminal </dev/null >/dev/null
}

# A publish that takes more than a second, since nobody takes anything before.
slow_publish() { # HOW
  ok create q --capacity 64KiB
  background subscribe q --follow >/dev/null
  kill -STOP $pid
  (sleep 1.2; kill -CONT $pid) &
  "$@"
  local -i result=$?
  wait_until is q depth 0
  kill -TERM $pid
  wait
  ok remove q
  return $result
}

test_a_long_file_shows_a_progress_bar_on_a_terminal_only() {
  seq 1 100000 >long
  local publish="$millrace publish q --directory $directory"
  slow_publish on_a_terminal "$publish --file long" || fail "exit code $? with a bar"
  grep -q '\[#*\.*\]' terminal || fail "no bar: $(cat -v terminal)"
  grep -q '\[#*\] 100%' terminal || fail "the bar does not end: $(cat -v terminal)"
  # Its standard error is a file.
  slow_publish on_a_terminal "$publish --file long 2>publish-err" || fail "exit code $? with a file"
  [[ -e publish-err && ! -s publish-err ]] || fail "a bar in a file: $(cat -v publish-err)"
  # Its input is a pipe.
  slow_publish on_a_terminal "cat long | $publish" || fail "exit code $? with a pipe"
  grep -q '%' terminal && fail "a bar for a pipe: $(cat -v terminal)"
  # Nobody has to wait for it.
  on_a_terminal "$publish --file $0" || fail "exit code $? for a short file"
  grep -q '%' terminal && fail "a bar for a short file: $(cat -v terminal)"
  return 0
}

test_an_error_wipes_the_progress_bar_first() {
  (seq 1 100000; head -c 40000 /dev/zero) >long
  slow_publish on_a_terminal "$millrace publish q --directory $directory --file long"
  same "exit code" $? 1
  tail -c 500 terminal | grep -q $'\r\x1b\[Kmillrace: line 100,001' || fail "$(cat -v terminal)"
}

test_link_moves_every_message_to_the_queue_at_the_other_end() {
  "$millrace" link --help | grep -q -- --listen || { echo "skipped: no links in this build"; return; }
  background link --listen 127.0.0.1:0 --queue there --capacity 2MiB >address
  local there=$pid
  wait_until test -s address
  ok publish here --file <(seq 1 2000)
  background link --connect "$(cat address)" --queue here
  local here=$pid
  ok subscribe there --count 2000
  same messages "$(md5sum <out)" "$(seq 1 2000 | md5sum)"
  wait_until is here finished 2000
  kill -INT "$here" "$there"
  wait "$here" || fail "the side that connects exits with $?"
  wait "$there" || fail "the side that listens exits with $?"
}

test_link_says_who_cannot_be_reached_and_goes_on_when_he_can() {
  "$millrace" link --help | grep -q -- --listen || { echo "skipped: no links in this build"; return; }
  background link --listen 127.0.0.1:0 --queue there >address
  wait_until test -s address
  kill -INT "$pid"
  wait "$pid" || fail "exits with $?"
  ok publish here --file <(echo word)
  background link --connect "$(cat address)" --queue here 2>said
  wait_until grep -q "refused; trying again" said
  background link --listen "$(cat address)" --queue there >/dev/null
  wait_until grep -q "connected again" said
  ok subscribe there
  same message "$(cat out)" word
}

# certificate NAME [ISSUER]: makes NAME.crt and NAME.key, signed by ISSUER or by itself
certificate() {
  local -a by=() as=(-addext basicConstraints=critical,CA:TRUE)
  if (($# == 2)); then by=(-CA "$2.crt" -CAkey "$2.key") as=(-addext subjectAltName=IP:127.0.0.1); fi
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -days 1 \
    -keyout "$1.key" -out "$1.crt" "${by[@]}" "${as[@]}" 2>/dev/null || fail "no certificate $1"
}

test_link_with_tls_lets_in_who_shows_a_certificate_of_its_authority() {
  "$millrace" link --help | grep -q -- --listen || { echo "skipped: no links in this build"; return; }
  certificate ca
  certificate friend ca
  certificate stranger
  local -a ours=(--tls-ca ca.crt --tls-certificate friend.crt --tls-key friend.key)
  background link --listen 127.0.0.1:0 --queue there "${ours[@]}" >address 2>refused
  wait_until test -s address
  ok publish here --file <(echo word)
  background link --connect "$(cat address)" --queue here --tls-ca ca.crt \
    --tls-certificate stranger.crt --tls-key stranger.key 2>said
  wait_until grep -q "untrusted; trying again" said
  wait_until grep -q "^millrace: 127.0.0.1 is not trusted: self-signed certificate" refused
  sleep 1.2  # it has made new links meanwhile
  same "times it was said" "$(grep -c "is not trusted" said)" 1
  kill -INT "$pid"
  wait "$pid" || fail "the stranger exits with $?"
  background link --connect "$(cat address)" --queue here --tls-ca stranger.crt 2>said
  wait_until grep -q "^millrace: 127.0.0.1 is not trusted: unable to get local issuer" said
  kill -INT "$pid"
  wait "$pid" || fail "the one that trusts nobody exits with $?"
  background link --connect "$(cat address)" --queue here "${ours[@]}" 2>said
  ok subscribe there --count 1
  same message "$(cat out)" word
}

test_link_with_tls_alone_trusts_whom_the_system_trusts() {
  "$millrace" link --help | grep -q -- --listen || { echo "skipped: no links in this build"; return; }
  certificate ca
  certificate friend ca
  background link --listen 127.0.0.1:0 --queue there --tls --tls-certificate friend.crt \
    --tls-key friend.key >address
  wait_until test -s address
  ok publish here --file <(echo word)
  background link --connect "$(cat address)" --queue here --tls 2>said
  wait_until grep -q "^millrace: 127.0.0.1 is not trusted: unable to get local issuer" said
  kill -INT "$pid"
  wait "$pid" || fail "the one that does not know the authority exits with $?"
  SSL_CERT_FILE=ca.crt background link --connect "$(cat address)" --queue here --tls
  ok subscribe there --count 1
  same message "$(cat out)" word
}

test_link_names_the_files_for_tls_that_it_cannot_use() {
  "$millrace" link --help | grep -q -- --listen || { echo "skipped: no links in this build"; return; }
  ok create q
  certificate one
  certificate other
  error 2 "needs a certificate" link --listen 127.0.0.1:0 --queue q --tls-ca one.crt
  error 2 "go together" link --connect 127.0.0.1:1 --queue q --tls-key one.key
  error 2 "'nowhere': No such file" link --connect 127.0.0.1:1 --queue q --tls-ca nowhere
  error 2 "'other.key' is not usable: key values mismatch" \
    link --listen 127.0.0.1:0 --queue q --tls-certificate one.crt --tls-key other.key
  error 2 "--tls-ca: no file is named" link --connect 127.0.0.1:1 --queue q --tls-ca ""
  error 2 "--tls-ca: no file is named" link --listen 127.0.0.1:0 --queue q --tls-ca "" \
    --tls-certificate one.crt --tls-key one.key
  error 2 "--tls-key: no file is named" link --listen 127.0.0.1:0 --queue q --tls-key ""
  error 2 "needs a certificate" link --listen 127.0.0.1:0 --queue q --tls
}

test_link_takes_one_side_and_an_address() {
  ok create q
  error 2 "--listen or --connect" link --queue q
  error 2 "--listen or --connect" link --queue q --listen 127.0.0.1:0 --connect 127.0.0.1:1
  error 2 "HOST:PORT" link --queue q --listen nowhere
  error 1 "not_found|no queue|'millrace list'" link --queue none --connect 127.0.0.1:1
}

# --- bridge ---------------------------------------------------------------------------------------

bridge_or_skip() {
  "$millrace" bridge --help | grep -q -- --to-nats || { echo "skipped: no bridge in this build"; exit; }
}

# start_nats [OPTIONS...]: a server with JetStream and all it writes in ./nats, on loopback; on the
# port that it had before, if it was started before. Sets $server and $url.
start_nats() {
  local nats_server
  bridge_or_skip
  nats_server=$(PATH=$PATH:/usr/sbin:/sbin command -v nats-server) \
    || { echo "skipped: no nats-server (Debian: nats-server)"; exit; }
  rm -rf nats/*.ports
  mkdir -p nats
  "$nats_server" --addr 127.0.0.1 --port "${nats_port:--1}" --jetstream --store_dir nats/store \
    --log nats/log --ports_file_dir nats "$@" &
  server=$!
  wait_until test -s "nats/nats-server_$server.ports"
  url=$("$json_value" /nats/0 <"nats/nats-server_$server.ports")
  nats_port=${url##*:}
}

stop_nats() {
  kill -KILL "$server"
  wait "$server" 2>/dev/null
}

test_bridge_moves_every_message_through_a_stream_into_another_queue() {
  start_nats
  ok publish here --file <(seq 1 500)
  background bridge --queue here --stream NUMBERS --subject 'numbers.>' --to-nats --nats "$url" \
    >to 2>said
  local to=$pid
  wait_until is here finished 500
  background bridge --queue there --stream NUMBERS --from-nats --nats "$url" >from 2>>said
  local from=$pid
  ok subscribe there --count 500
  same messages "$(md5sum <out)" "$(seq 1 500 | md5sum)"
  kill -INT "$to" "$from"
  wait "$to" || fail "the bridge to NATS exits with $?: $(cat said)"
  wait "$from" || fail "the bridge from NATS exits with $?: $(cat said)"
  same "what went there" "$(cat to)" "500 messages, 0 more were known already, 0 too large"
  same "what came from there" "$(cat from)" "500 messages, 0 more were known already, 0 too large"
}

test_bridge_says_that_the_server_is_away_and_goes_on_when_it_is_there() {
  start_nats
  stop_nats
  ok publish here --file <(echo word)
  background bridge --queue here --stream WORDS --subject words --to-nats --nats "$url" 2>said
  wait_until grep -q "^millrace: disconnected: connecting to $url: " said
  start_nats
  wait_until is here finished 1
  grep -q "^millrace: connected: connected to $url" said || fail "$(cat said)"
}

test_bridge_takes_one_direction_and_what_fits_together() {
  bridge_or_skip
  error 2 "to-nats.*from-nats" bridge --queue q --stream S
  error 2 "to-nats.*from-nats" bridge --queue q --stream S --to-nats --from-nats
  error 2 "--stream is required" bridge --queue q --to-nats
  error 2 "--publish-to" bridge --queue q --stream S --to-nats
  error 2 "--publish-to" bridge --queue q --stream S --to-nats --subject 'words.*'
  error 2 "write a time such as 30s" bridge --queue q --stream S --from-nats --ack-wait soon
  error 2 "'a.b'" bridge --queue q --stream S --from-nats --consumer a.b
  error 2 "certificate and its key" bridge --queue q --stream S --from-nats --tls-key key
  local file
  for file in --tls-ca --tls-certificate --tls-key --credentials; do
    error 2 "$file: no file is named" bridge --queue q --stream S --from-nats $file ""
  done
  error 1 "cannot read 'nobody'.*--credentials" bridge --queue q --stream S --from-nats --credentials nobody
}

test_bridge_says_what_to_do_about_streams_and_passwords() {
  start_nats --user ann --pass secret
  error 1 "$url.*Authorization.*see --user" bridge --queue q --stream S --from-nats --nats "$url"
  export NATS_USER=ann NATS_PASSWORD=secret
  error 1 "no stream 'S'.*without --no-create" \
    bridge --queue q --stream S --subject s --to-nats --no-create --nats "$url"
  error 1 "no stream 'S'.*--subject" bridge --queue q --stream S --from-nats --nats "$url"
  ok publish q --file <(echo word)
  background bridge --queue q --stream S --subject s --to-nats --nats "$url" 2>said
  wait_until is q finished 1
  error 1 "no consumer 'q'.*without --no-create" \
    bridge --queue q --stream S --from-nats --no-create --nats "$url"
  error 1 "does not hold subject 't' but s" \
    bridge --queue q --stream S --subject t --to-nats --nats "$url"
}

test_bench_prints_a_table_and_leaves_nothing_behind() {
  ok bench
  same "rows" "$(grep -cE '^ +(8 B|64 B|1 KiB|64 KiB) +(shared|exclusive) +[0-9,]+ +[0-9,]+ +[0-9.]+ +[0-9.]+$' out)" 8
  grep -E 'shared|exclusive' out | awk '{ if ($4 <= 0 || $6 <= 0 || $7 < $6) exit 1 }' \
    || fail "figures: $(cat out)"
  [[ -z $(ls -A "$directory") ]] || fail "left behind: $(ls -A "$directory")"
}

test_bench_says_once_that_its_directory_is_not_there() {
  rmdir "$directory"
  error 1 "no directory.*--directory" bench
}

test_an_interrupted_bench_leaves_nothing_behind() {
  background bench >out 2>err
  wait_until test -e "$directory/millrace-bench-$pid-64-shared-there"
  local children
  children=$(pgrep -P $pid)
  same "processes" "$(wc -w <<<"$children")" 2
  kill -INT $pid
  wait $pid
  same "exit code" $? 1
  one_line interrupted
  [[ -z $(ls -A "$directory") ]] || fail "left behind: $(ls -A "$directory")"
  local child
  for child in $children; do
    kill -0 $child 2>/dev/null && fail "process $child is left behind"
  done
  return 0
}

# --- completion -----------------------------------------------------------------------------------

complete_words() { # WORDS...: completes the last one; prints what is offered, sorted
  (
    set +u
    source "$completion" || exit 1
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _millrace
    printf '%s\n' "${COMPREPLY[@]}" | sort
  )
}

test_completion_knows_verbs_queues_and_what_options_take() {
  bash --norc --noprofile -c "source $completion && complete -p millrace" | grep -q _millrace \
    || fail "not registered"
  same verbs "$(complete_words "$millrace" s)" $'stat\nsubscribe'
  same "all verbs" "$(complete_words "$millrace" "" | grep -cv '^--')" 11
  ok create alpha
  ok create beta
  same queues "$(complete_words "$millrace" stat --directory "$directory" "")" $'alpha\nbeta'
  same queues "$(complete_words "$millrace" remove --directory "$directory" alpha b)" beta
  same delimiters "$(complete_words "$millrace" publish q --delimiter n)" $'newline\nnone\nnul'
  touch some-file
  same files "$(complete_words "$millrace" publish q --file some)" some-file
  mkdir some-directory
  same directories "$(complete_words "$millrace" stat q --directory some)" some-directory
  same "a number" "$(complete_words "$millrace" subscribe q --count "")" ""
}

test_completion_offers_exactly_the_options_that_help_lists() {
  local verb
  for verb in create publish subscribe list stat doctor peek remove link bridge bench; do
    same "options of $verb" "$(complete_words "$millrace" $verb -- | tr '\n' ' ')" \
      "$("$millrace" $verb --help | sed -n 's/^ *\(-.,\)\?\(--[a-z-]*\).*/\2/p' | sort | tr '\n' ' ')"
  done
}

declare -F "test_$case" >/dev/null || fail "there is no such case"
"test_$case"
