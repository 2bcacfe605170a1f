# Runs publisher and subscriber side by side as a newcomer would, and compares what is printed with
# what was sent. Arguments: the two programs, and the millrace command.
set -eu
publisher=$1 subscriber=$2 millrace=$3
queue=side_by_side.$$
work=$(mktemp -d)
subscribers=
trap 'kill $subscribers 2>/dev/null || :; "$millrace" remove $queue >/dev/null 2>&1 || :; rm -rf "$work"' EXIT
fail() { echo "side by side: $*" >&2; exit 1; }

cd "$work"
printf 'hello, world\n' > hello
: > nothing
head -c 200000 /dev/urandom > long

# Sent before anybody listens: the messages wait.
"$publisher" $queue hello nothing > sent
"$subscriber" $queue > first & subscribers=$!
"$subscriber" $queue > second & subscribers="$subscribers $!"
ls long hello | "$publisher" $queue >> sent

# hello twice, nothing once, and the long one in four pieces.
looks=0
until [ "$(cat first second | wc -l)" -ge 7 ]; do
  kill -0 $subscribers || fail "a subscriber ended early"
  [ $((looks += 1)) -lt 600 ] || fail "not all has arrived: $(cat first second)"
  sleep 0.05
done
"$millrace" remove $queue
for id in $subscribers; do wait $id || fail "a subscriber ended with $?"; done
subscribers=

cut -d' ' -f2- first second | sort > got
sort > expected <<'END'
0+0/0 nothing
0+13/13 hello
0+13/13 hello
0+65536/200000 long
65536+65536/200000 long
131072+65536/200000 long
196608+3392/200000 long
END
diff expected got || fail "not what was sent"
printf '13 hello\n0 nothing\n13 hello\n200000 long\n' | diff - sent || fail "not what was said"
# CRC-64/XZ of "hello, world\n", as xz --list -vv shows it.
[ "$(cat first second | grep -c "^eab812c9815a467b 0+13/13 hello$")" = 2 ] || fail "wrong checksum"

status=0; "$publisher" $queue not-there 2> error || status=$?
[ $status = 1 ] && grep -q not-there error || fail "a missing file: exit $status, $(cat error)"
status=0; "$publisher" 2> error || status=$?
[ $status = 2 ] && grep -q usage error || fail "no arguments: exit $status"
status=0; "$subscriber" 2> error || status=$?
[ $status = 2 ] && grep -q usage error || fail "no arguments: exit $status"
