#!/usr/bin/env python3
"""Measures each number of docs/benchmarks.md on the real server, prints a table and writes JSON.
Exits 0 when all that is built was measured, whether it holds or not: a benchmark is no test."""
import argparse
import json
import os
import pathlib
import shutil
import sys
import textwrap
import time

HERE = pathlib.Path(__file__).resolve().parent
NOT_BUILT = "not built yet"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parents[1] / "build/bench.json")
    parser.add_argument("--only", default="", help="measure the rows with this in their name only")
    parser.add_argument("--releases", type=int, default=10000, help="of the large catalogue")
    return parser.parse_args()


def require_tools(build):
    for tool in ("wrk", "openssl"):
        if not shutil.which(tool):
            sys.exit(f"bench: {tool} is missing; scripts/install-deps.sh test, or: apt-get install {tool}")
    for file in ("slipway", "ngx_http_slipway_module.so"):
        if not (build / file).exists():
            sys.exit(f"bench: {build / file} is missing; make build")


def table(large):
    """The rows of the design in its order, each with what measures it; None: not built yet."""
    import control_plane as control
    import data_plane as data
    from measure import Row
    count = f"{large.releases:,} releases"
    us, rate = "us CPU/request", "requests/CPU s"
    return [
        (Row("update_check_anonymous", "update check, anonymous", us, "≤ 1.3×"),
         data.check_anonymous),
        (Row("update_check_device", "update check, known device", us, "≤ 1.6×"), data.check_device),
        (Row("update_check_growth", f"update check, {count}", us, "≤ 1.1×"),
         lambda row, stage: data.check_growth(row, stage, large)),
        (Row("download_50mb_http", "50 MB download, HTTP", "s CPU/GB", "≤ 1.02×"),
         lambda row, stage: data.large_file(row, stage, tls=False)),
        (Row("download_50mb_https", "50 MB download, HTTPS", "s CPU/GB", "≤ 1.02×"),
         lambda row, stage: data.large_file(row, stage, tls=True)),
        (Row("small_file_cached_token", "1 KB file, cached token", rate, "≥ 0.9×"),
         data.small_cached),
        (Row("token_grant", "token grant", "grants/CPU s", "≥ 0.25×"), control.grants),
        (Row("small_file_fresh_token", "1 KB file, fresh token", rate, "≥ 10,000/s"),
         data.small_fresh),
        (Row("download_beside_sign_ins", "download beside 200 sign-ins", "ms, p99", "≤ 2×"),
         control.beside_sign_ins),
        (Row("event_ingestion", "event ingestion, durable", "downloads/s", "≥ 50,000/s"),
         control.ingestion),
        (Row("dashboard_queries", "dashboard, 10^8 events, p99", "ms", "≤ 100 ms"), None),
        (Row("websocket_memory", "WebSocket, memory per client", "KiB", "≤ 10 KiB"), None),
        (Row("websocket_publish", "WebSocket, last of 20,000", "ms", "≤ 300 ms"), None),
        (Row("revocation_local", "revocation to refusal, p99", "ms", "≤ 100 ms"),
         control.revocation),
        (Row("revocation_edge", "the same at an edge", "s", "≤ 2 s"), None),
        (Row("delta_size", "delta of two builds, size", "bytes", "≤ 1.1×"), None),
        (Row("delta_memory", "delta, memory for 300 MB", "MB", "≤ 64 MB"), None),
        (Row("upload_1gb_memory", "1 GB upload, peak memory", "MiB", "≤ 64 MiB"),
         control.upload_memory),
        (Row("start_to_ready", f"start, {count}", "s", "≤ 1 s"),
         lambda row, stage: control.start_up(row, large)),
    ]


def figure(number):
    if number is None:
        return "–"
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def show(row):
    """One line of figures, and below it unit, interval and note; at most 80 columns."""
    mark = "·" if row.note == NOT_BUILT else "✓" if row.ok else "✗"
    ratio = "–" if row.ratio is None else f"{row.ratio:.3f}"
    print(f"{mark} {row.what:<32.32} {figure(row.value):>10} {figure(row.reference):>10} {ratio:>8}  "
          f"{row.hold}")
    more = [] if row.value is None else [row.unit]
    if row.interval and row.ratio is not None:
        more.append(f"ratio {row.interval[0]:.3f}–{row.interval[1]:.3f}")
    elif row.interval:
        more.append(f"{figure(row.interval[0])}–{figure(row.interval[1])}")
    if row.note:
        more.append(row.note)
    for line in textwrap.wrap("; ".join(more), 74):
        print(f"    {line}")
    sys.stdout.flush()


def measure(rows, stage):
    """How many rows could not be measured though they are built."""
    failed = 0
    print(f"  {'':<32} {'value':>10} {'reference':>10} {'ratio':>8}  hold")
    for row, run in rows:
        if not run:
            row.note = NOT_BUILT
        else:
            try:
                run(row, stage)
                row.judge()
            except Exception as problem:  # noqa: BLE001: one row must not hide the others
                row.note = f"not measured: {type(problem).__name__}: {problem}"[:400]
                failed += 1
        show(row)
    return failed


def main():
    options = arguments()
    require_tools(options.build)
    os.environ["SLIPWAY_BUILD"] = str(options.build.resolve())
    from stage import Stage
    from world import World
    began = time.monotonic()
    with World(options.releases) as large, Stage() as stage:
        rows = [(row, run) for row, run in table(large) if options.only in row.name]
        if any("releases" in row.what for row, run in rows):
            print(f"filling a catalogue with {options.releases:,} releases …", flush=True)
            large.start().fill()
        failed = measure(rows, stage)
    options.out.write_text(json.dumps([row.json() for row, _ in rows], indent=1) + "\n")
    print(f"{time.monotonic() - began:.0f} s; ✓ holds, ✗ does not, · not built yet; {options.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
