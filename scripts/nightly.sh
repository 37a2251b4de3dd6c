#!/usr/bin/env bash
# What takes too long for each change. Usage: scripts/nightly.sh [fuzz] [tsan] [valgrind] [tidy] [sqlmap] [timing]
#   fuzz      each fuzz target with libFuzzer, ASan and UBSan, FUZZ_SECONDS (1800) long; what it
#             learns is kept in build-fuzz/corpus, what it finds in build-nightly
#   tsan      unit tests, and the control plane with its integration tests, under ThreadSanitizer
#   valgrind  unit tests under valgrind
#   tidy      clang-tidy over the whole tree (.clang-tidy)
#   sqlmap    sqlmap over every route (tests/security/injection.py), where it is installed
#   timing    whether the clock tells which accounts exist (tests/security/timing.py); on a quiet machine
set -u
cd "$(dirname "$0")/.." || exit
OUT=$PWD/build-nightly
FUZZ_SECONDS=${FUZZ_SECONDS:-1800}
JOBS=${JOBS:-$(nproc)}
mkdir -p "$OUT"
passed=0; failed=0

step() { # name, command...
	local name=$1 start=$SECONDS
	shift
	if "$@" >"$OUT/$name.log" 2>&1; then
		passed=$((passed + 1)); printf '  ok      %-34s %4ds\n' "$name" $((SECONDS - start))
	else
		failed=$((failed + 1)); printf '  FAILED  %-34s %4ds   %s\n' "$name" $((SECONDS - start)) "$OUT/$name.log"
		tail -30 "$OUT/$name.log"
	fi
}

build() { # directory, compiler, meson options...
	local dir=$1 compiler=$2
	shift 2
	[ -f "$dir/build.ninja" ] || CC=$compiler meson setup "$dir" -Dtests=enabled "$@" || return
	ninja -C "$dir" -j "$JOBS"
}

fuzz_one() { # name
	mkdir -p "build-fuzz/corpus/$1"
	"build-fuzz/tests/fuzz/fuzz_$1" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$OUT/fuzz-$1-" "build-fuzz/corpus/$1" "tests/fuzz/corpus/$1"
}

fuzz() {
	local name
	step build-fuzz build build-fuzz clang -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false || return
	for name in tests/fuzz/*_fuzz.c; do
		name=$(basename "$name" _fuzz.c)
		step "fuzz-$name" fuzz_one "$name"
	done
}

# Names of the unit tests of a build but those that match.
unit_tests_but() { # directory, pattern
	meson test -C "$1" --no-rebuild --list --suite unit 2>/dev/null | sed -n 's|.* / ||p' | grep -vE "^($2)"
}

# Without the tests of children that change their user: the sanitizer's own thread is in their way.
tsan_unit() {
	# shellcheck disable=SC2046  # a list of names
	TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
		meson test -C build-tsan --no-rebuild --print-errorlogs --timeout-multiplier 5 \
		$(unit_tests_but build-tsan sys/child)
}

# The programs of that build with nginx's module and the pages of the ordinary one: nginx itself
# knows no sanitizer. What ThreadSanitizer finds in any process lands in a file.
tsan_serve() {
	cp build/ngx_http_slipway_module.so build-tsan/ && cp -r build/web build-tsan/ || return
	rm -f "$OUT"/tsan-report.*
	SLIPWAY_BUILD=$PWD/build-tsan TSAN_OPTIONS=log_path=$OUT/tsan-report:exitcode=0 \
		/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/integration/test_delivery.py \
		tests/integration/test_catalogue.py tests/integration/test_tailer.py tests/integration/test_uploads.py
	local code=$?
	if compgen -G "$OUT/tsan-report.*" >/dev/null; then
		head -60 "$OUT"/tsan-report.*
		return 1
	fi
	return $code
}

tsan() {
	step build-tsan build build-tsan clang -Db_sanitize=thread -Db_lundef=false -Doptimization=1
	step tsan-unit tsan_unit
	step build build build gcc
	step tsan-serve tsan_serve
}

# Definite leaks, and every use of what is not there. Left out is what cannot be under valgrind: maps
# of 64 GiB (the published state and all above it), system call filters, limits on memory, capabilities, pidfd_open.
NOT_UNDER_VALGRIND='state/|feed/|service/|catalog/inspect|catalog/sandbox|sys/child|sys/privilege|blob/upload_area|server/nginx$|db/gen_queries'
valgrind_unit() {
	# shellcheck disable=SC2046  # a list of names
	meson test -C build --no-rebuild --print-errorlogs --timeout-multiplier 20 \
		--wrapper "valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite --child-silent-after-fork=yes" \
		$(unit_tests_but build "$NOT_UNDER_VALGRIND")
}

tidy() {
	git ls-files 'src/*.c' 'client/*.c' | xargs -P "$JOBS" -n 8 clang-tidy -p build-clang --quiet
}

echo "Slipway: nightly"
for part in "${@:-all}"; do
	case $part in fuzz | tsan | valgrind | tidy | sqlmap | timing | all) ;; *) sed -n '2,9s/^# *//p' "$0" >&2; exit 2 ;; esac
done
wants() { case " ${*:2} " in *" $1 "* | "  " | " all ") return 0 ;; esac; return 1; }
if wants tidy "$@"; then
	step build-clang build build-clang clang
	step tidy tidy
fi
if wants valgrind "$@"; then
	step build build build gcc
	step valgrind valgrind_unit
fi
if wants tsan "$@"; then tsan; fi
if wants timing "$@"; then
	step build build build gcc
	for database in sqlite postgresql; do
		step "timing-$database" /usr/bin/python3 tests/security/timing.py --database "$database"
	done
fi
if wants sqlmap "$@" && command -v sqlmap >/dev/null; then
	step build build build gcc
	step sqlmap /usr/bin/python3 tests/security/injection.py --output "$OUT/sqlmap"
fi
if wants fuzz "$@"; then fuzz; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
