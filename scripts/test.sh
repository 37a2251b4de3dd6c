#!/usr/bin/env bash
# Runs every check and test of the project, in this order: rules of the source tree, both compilers
# without a warning (clang's build is the one with sanitizers), unit, property and fuzz-regression
# tests under ASan and UBSan, integration tests with real servers, the pages in a real browser. A
# step that fails does not hide the steps after it.
# Usage: scripts/test.sh [pytest arguments: run only the integration tests they select]
set -u
cd "$(dirname "$0")/.." || exit
OUT=build-results
rm -rf "$OUT"; mkdir -p "$OUT"
passed=0; failed=0

step() { # name, command...
	local name=$1; shift
	local start=$SECONDS
	if "$@" >"$OUT/$name.log" 2>&1; then
		passed=$((passed + 1)); printf '  ok      %-34s %4ds\n' "$name" $((SECONDS - start))
		return 0
	fi
	failed=$((failed + 1)); printf '  FAILED  %-34s %4ds\n' "$name" $((SECONDS - start))
	tail -60 "$OUT/$name.log"
	return 1
}

count_junit() { # file
	read -r good bad < <(python3 scripts/count-junit.py "$1")
	passed=$((passed + good)); failed=$((failed + bad))
}

configure() { # directory, compiler, meson options...
	local dir=$1 compiler=$2; shift 2
	if [ ! -f "$dir/build.ninja" ]; then
		CC=$compiler meson setup "$dir" -Dtests=enabled "$@"
	elif [ ! -d "$dir/tests" ]; then # made before there was anything to test with
		meson setup --reconfigure "$dir" -Dtests=enabled
	fi
}

build() { configure "$@" && ninja -C "$1"; }

unit_tests() {
	configure build-asan clang -Db_sanitize=address,undefined -Db_lundef=false \
		-Doptimization=1 && ninja -C build-asan || return 1
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		meson test -C build-asan --no-rebuild --print-errorlogs --timeout-multiplier 4
}

echo "Slipway: tests"
if [ $# -eq 0 ]; then
	step layers python3 scripts/check-layers.py
	step format scripts/check-format.sh
fi
step build-gcc build build gcc
if [ $# -eq 0 ]; then
	step unit-asan-ubsan unit_tests
	[ -f build-asan/meson-logs/testlog.junit.xml ] && count_junit build-asan/meson-logs/testlog.junit.xml
fi
echo "  integration tests (real servers)"
/usr/bin/python3 -m pytest -q -p no:cacheprovider -n "${SLIPWAY_TEST_JOBS:-4}" --dist loadfile \
	--junitxml="$OUT/integration.xml" "${@:-tests/integration}" >"$OUT/integration.log" 2>&1
status=$?
tail -n 60 "$OUT/integration.log"
if [ -f "$OUT/integration.xml" ]; then
	count_junit "$OUT/integration.xml"
elif [ $status -ne 0 ]; then
	failed=$((failed + 1))
fi
if [ $# -eq 0 ]; then
	step browser tests/browser/run.sh "$OUT/browser.xml"
	[ -f "$OUT/browser.xml" ] && count_junit "$OUT/browser.xml"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
