#!/usr/bin/env python3
"""Checks the rules of the house that a compiler does not: includes go down only, every .c file ends
its includes with base/banned.h, every header has a guard of its own name, variables that clean up
after themselves are initialised, nothing is too long."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOOR = {}
for number, line in enumerate(
        l for l in (ROOT / "scripts/layers.txt").read_text().splitlines() if l and l[0] != "#"):
    for name in line.split():
        FLOOR[name] = number
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)
# A variable with a cleanup attribute and no initialiser.
UNSET_AUTO = re.compile(r"^[ \t]*AUTO(?:_PTR)?\(\w+\)\s*[^=;(]*;", re.M)
MAX_LINES = 800
problems = []


def may_include(user, used):
    return user == used or FLOOR[used] < FLOOR[user]


def check(path):
    text = path.read_text()
    relative = path.relative_to(ROOT)
    in_src = relative.parts[0] == "src"
    includes = INCLUDE.findall(text)
    for kind, name in includes:
        if kind == "<" or "/" not in name:
            continue
        used = name.split("/")[0]
        if used not in FLOOR:
            continue
        if in_src:
            user = relative.parts[1]
            if user not in FLOOR:
                problems.append(f"{relative}: folder '{user}' is no floor of scripts/layers.txt")
            elif not may_include(user, used):
                problems.append(f"{relative}: '{user}' may not include '{name}': includes go down only")
    if path.suffix == ".c" and includes and includes[-1][1] != "base/banned.h" and in_src:
        problems.append(f"{relative}: the last include must be base/banned.h")
    if path.suffix == ".h" and in_src:
        guard = "SLIPWAY_" + re.sub(r"[^A-Z0-9]", "_", "_".join(relative.parts[1:]).upper())
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            problems.append(f"{relative}: needs the include guard {guard}")
    for match in UNSET_AUTO.finditer(text):
        problems.append(f"{relative}: '{match.group(0).strip()}' is cleaned up on every way out, so it "
                        "must be initialised where it is declared")
    lines = text.count("\n")
    if lines > MAX_LINES and "Longer than 800 lines because" not in text[:2000]:
        problems.append(f"{relative}: {lines} lines; split it, or say why on top "
                        "('Longer than 800 lines because …')")


for folder in ("src", "edge", "client"):
    for path in sorted((ROOT / folder).rglob("*.[ch]")) if (ROOT / folder).exists() else []:
        check(path)
for problem in problems:
    print(problem)
print(f"layers: {len(problems)} problems")
sys.exit(bool(problems))
