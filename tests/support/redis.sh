#!/bin/sh
# A throw-away Redis for tests. Prints its URL as the first line and runs until its standard input
# ends; then nothing is left of it. Usage: redis.sh [options of redis-server]
#
# It listens on a unix socket in a temporary directory only, unless options say more, and keeps
# nothing on disk. Exit code 77: no Redis is installed.
#
# Lines it understands, each answered by one line of the same word once it is done:
#   stop (SIGKILL) · start · pause (it stays, nothing answers) · resume
set -eu

command -v redis-server >/dev/null || { echo "no Redis is installed" >&2; exit 77; }
root=$(mktemp -d /tmp/slipway-redis-XXXXXX)
chmod 755 "$root"
pid=

stop() {
	[ -n "$pid" ] || return 0
	kill -CONT "$pid" 2>/dev/null || true
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	pid=
}
start() {
	rm -f "$root/redis.sock"
	redis-server --port 0 --unixsocket "$root/redis.sock" --unixsocketperm 777 --save '' --dir "$root" "$@" \
		>>"$root/log" 2>&1 </dev/null &
	pid=$!
	# An error is an answer too: a sign-in may be needed.
	until redis-cli -s "$root/redis.sock" ping >/dev/null 2>&1; do
		kill -0 "$pid" 2>/dev/null || { cat "$root/log" >&2; exit 1; }
	done
}
trap 'stop; rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM
start "$@"
echo "redis+unix://$root/redis.sock"

while read -r word; do
	case $word in
	stop) stop ;;
	start) start "$@" ;;
	pause) kill -STOP "$pid" ;;
	resume) kill -CONT "$pid" ;;
	*)
		echo "unknown: $word" >&2
		exit 2
		;;
	esac
	echo "$word"
done
