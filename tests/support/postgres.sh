#!/bin/sh
# A throw-away PostgreSQL for tests. Prints its URL as the first line and runs until its standard
# input ends, so it never outlives the test that holds the other end; then nothing is left of it.
#
# The database listens on a unix socket in a temporary directory only, trusts every user, and does
# not wait for the disk. Its collation is that of English, unlike SQLite's: a query that depends on
# the order of letters shows itself. Exit code 77: no PostgreSQL is installed.
#
# Lines it understands, each answered by one line of the same word once it is done:
#   stop (at once, connections are cut) · start · pause (processes stay, nothing answers) · resume
set -eu

bin=
for dir in "$(dirname "$(command -v initdb || echo /none/x)")" /usr/lib/postgresql/*/bin; do
	if [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && [ -x "$dir/createdb" ]; then
		bin=$dir
	fi
done
if [ -z "$bin" ]; then
	echo "no PostgreSQL is installed" >&2
	exit 77
fi

root=$(mktemp -d /tmp/slipway-postgres-XXXXXX)
if [ "$(id -u)" = 0 ]; then # initdb refuses to run as root
	chown postgres "$root"
	as() { setpriv --reuid postgres --regid postgres --init-groups -- "$@"; }
else
	as() { "$@"; }
fi
chmod 755 "$root"
cd "$root"
export LC_ALL=C.UTF-8

control() { as "$bin/pg_ctl" -D "$root/data" -s -w "$@" >>"$root/control.log" 2>&1 </dev/null; }
# To the postmaster first: it makes no new processes then. One that has just ended is no error.
signal() {
	postmaster=$(head -n 1 "$root/data/postmaster.pid")
	kill "-$1" "$postmaster"
	# shellcheck disable=SC2046  # a list of numbers
	kill "-$1" $(cat "/proc/$postmaster/task/$postmaster/children") 2>/dev/null || true
}
finish() {
	[ ! -f "$root/data/postmaster.pid" ] || signal CONT || true
	control stop -m immediate || true
	rm -rf "$root"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

: >"$root/control.log"
as "$bin/initdb" -D "$root/data" -U slipway -A trust -E UTF8 --no-sync --no-instructions \
	--locale-provider=icu --icu-locale=en >>"$root/control.log" 2>&1 </dev/null || {
	cat "$root/control.log" >&2
	exit 1
}
cat >>"$root/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$root'
fsync = off
full_page_writes = off
shared_buffers = 32MB
max_connections = 100
log_min_messages = fatal
CONF
start() { control start -l "$root/data/log"; }
start || {
	cat "$root/control.log" "$root/data/log" >&2
	exit 1
}
"$bin/createdb" -h "$root" -U slipway slipway </dev/null
echo "postgresql://slipway@/slipway?host=$(echo "$root" | sed 's|/|%2F|g')"

while read -r word; do
	case $word in
	stop) control stop -m immediate ;;
	start) start ;;
	pause) signal STOP ;;
	resume) signal CONT ;;
	*)
		echo "unknown: $word" >&2
		exit 2
		;;
	esac
	echo "$word"
done
