# The door for people; the work is done by meson and by the scripts named here.
PREFIX ?= /usr/local
BUILD  ?= build
export PREFIX BUILD

.PHONY: build run test nightly bench install clean
.DEFAULT_GOAL := build

build:
	@scripts/install-deps.sh build
	@scripts/build.sh

# Installs what is missing, builds, starts Slipway and walks through its main job on real packages.
run: build
	@scripts/run.sh

# Installs what tests need and runs them all; the last line is "N passed, N failed".
test:
	@scripts/install-deps.sh test
	@scripts/test.sh

# What takes too long for each change: fuzzing, ThreadSanitizer, valgrind, clang-tidy.
nightly:
	@scripts/install-deps.sh test
	@scripts/nightly.sh

# Measures each number of the design as a ratio to a reference of the same run.
bench: build
	@scripts/install-deps.sh test
	@meson setup --reconfigure $(BUILD) -Dtests=enabled >/dev/null
	@ninja -C $(BUILD) --quiet
	@python3 tests/bench/bench.py --build $(BUILD) --out $(BUILD)/bench.json

# Below PREFIX, which is put below DESTDIR if that is given.
install: build
	@meson setup --reconfigure $(BUILD) --prefix $(PREFIX) >/dev/null
	@scripts/build.sh
	@meson install -C $(BUILD) --no-rebuild --quiet

clean:
	@rm -rf build build-*
