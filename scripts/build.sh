#!/bin/sh
# Builds the programs, nginx's module and the pages, without the tests, in $BUILD (build) for $PREFIX.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
PREFIX=${PREFIX:-/usr/local}

if [ ! -f "$BUILD/build.ninja" ]; then
	echo "Building Slipway: about a minute, the first time"
	log=$(mktemp)
	if ! meson setup "$BUILD" --prefix "$PREFIX" >"$log" 2>&1; then
		tail -15 "$log" >&2
		rm -rf "$log" "$BUILD" # half of it would look like a whole one the next time
		exit 1
	fi
	rm -f "$log"
fi
set -- -C "$BUILD" slipway slipway-update ngx_http_slipway_module.so web/app.js
if ninja -n "$@" | grep -q 'no work to do'; then
	exit 0
elif [ -t 1 ]; then # where one sees how far it is
	exec ninja "$@"
else
	exec ninja --quiet "$@"
fi
