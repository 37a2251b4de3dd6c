# The door for people; the work is done by meson and by the scripts named here.
PREFIX ?= /usr/local
BUILD  ?= build

.PHONY: build run test bench install clean
.DEFAULT_GOAL := build

build:
	@scripts/install-deps.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --prefix $(PREFIX) >/dev/null || (rm -rf $(BUILD); exit 1)
	@ninja -C $(BUILD) --quiet

# Installs what is missing, builds, starts Slipway and walks through its main job on real packages.
run: build
	@scripts/run.sh

# Installs what tests need and runs them all; the last line is "N passed, N failed".
test:
	@scripts/install-deps.sh test
	@scripts/test.sh

# Measures each number of the design as a ratio to a reference of the same run.
bench: build
	@scripts/install-deps.sh test
	@python3 tests/bench/bench.py --build $(BUILD) --out $(BUILD)/bench.json

install: build
	@meson install -C $(BUILD) --no-rebuild

clean:
	@rm -rf build build-*
