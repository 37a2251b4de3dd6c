#!/bin/sh
# Runs the browser tests; results as JUnit XML in the file named. Usage: run.sh RESULTS [part of a name]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if ! cmp -s "$here/package-lock.json" "$here/node_modules/.locked"; then
	(cd "$here" && npm ci --ignore-scripts --no-audit --no-fund)
	cp "$here/package-lock.json" "$here/node_modules/.locked"
fi
results=$1; shift
exec node --test-reporter=spec --test-reporter-destination=stdout \
	--test-reporter="$here/junit.mjs" --test-reporter-destination="$results" "$here/main.mjs" "$@"
