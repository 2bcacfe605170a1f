# Runs the calculator's service and its client as a newcomer would, also with the service killed in
# between. Arguments: the two programs, and the millrace command.
set -eu
service=$1 client=$2 millrace=$3
queue=calculator.$$
work=$(mktemp -d)
serving=
trap 'kill $serving 2>/dev/null || :; "$millrace" remove $queue >/dev/null 2>&1 || :; rm -rf "$work"' EXIT
fail() { echo "calculator: $*" >&2; exit 1; }

cat > "$work/expected" <<'END'
1 / 3 = 0.3333333333333333
1 / 0: nothing can be divided by zero
pi = 3.14159
1 + 2 + 3 = 6, 4 + 5 + 6 = 15
END

# The client first: it waits for the service.
"$client" $queue > "$work/early" & early=$!
"$service" $queue & serving=$!
wait $early || fail "the client that came first ended with $?"
diff "$work/expected" "$work/early" || fail "not what the calculator should say"

kill -9 $serving
wait $serving 2>/dev/null || :
"$service" $queue & serving=$!
"$client" $queue > "$work/late" || fail "the client of the second service ended with $?"
diff "$work/expected" "$work/late" || fail "not what the second calculator should say"

status=0; "$service" $queue 2> "$work/error" || status=$?
[ $status = 1 ] && grep -q "one subscriber at a time" "$work/error" || fail "two at once: exit $status"

"$millrace" remove $queue
wait $serving || fail "the service ended with $?"
serving=
