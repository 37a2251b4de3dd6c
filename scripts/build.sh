#!/bin/sh
# Builds in $BUILD (build) for $PREFIX; without the tests, where they were not built before.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
PREFIX=${PREFIX:-/usr/local}

if [ ! -f "$BUILD/build.ninja" ]; then
	echo "Building Slipway: about a minute, the first time"
	log=$(mktemp)
	if ! meson setup "$BUILD" --prefix "$PREFIX" -Dtests=disabled >"$log" 2>&1; then
		tail -15 "$log" >&2
		rm -rf "$log" "$BUILD" # half of it would look like a whole one the next time
		exit 1
	fi
	rm -f "$log"
fi
if ninja -C "$BUILD" -n | grep -q 'no work to do'; then
	exit 0
elif [ -t 1 ]; then # where one sees how far it is
	exec ninja -C "$BUILD"
else
	exec ninja -C "$BUILD" --quiet
fi
