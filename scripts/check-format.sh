#!/bin/sh
# Every C file is as clang-format leaves it.
cd "$(dirname "$0")/.." && git ls-files '*.c' '*.h' | xargs -r clang-format --dry-run --Werror
