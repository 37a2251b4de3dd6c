"""How the benchmark measures: processor time of processes, load by wrk, interleaved pairs and their
median ratio. Hard rule: a figure and its reference come from the same run, taken in turns."""
import dataclasses
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
RESAMPLES = 2000
# Where nginx and its load share one core and neither preempts the other, each works off what has come
# and then waits. Else the kernel's part would depend on which of the two is the quicker: a wake-up of
# another core, or a switch for each answer.
CORE = max(os.sched_getaffinity(0))


class Failure(Exception):
    """What was to be measured did not work; says why."""


@dataclasses.dataclass
class Row:
    """One line of the table. `hold` is judged on the ratio where it ends in ×, else on the value."""
    name: str
    what: str
    unit: str
    hold: str
    value: float | None = None
    reference: float | None = None
    ratio: float | None = None
    interval: tuple | None = None
    ok: bool = False
    note: str = ""

    def judge(self):
        found = re.match(r"([≤≥]) ([\d.,]+)", self.hold)
        bound = float(found.group(2).replace(",", ""))
        judged = self.ratio if self.hold.endswith("×") else self.value
        self.ok = judged <= bound if found.group(1) == "≤" else judged >= bound

    def json(self):
        members = dataclasses.asdict(self)
        del members["what"]
        return members


def cpu_seconds(pids):
    """Processor time of these processes so far, in seconds: all their threads, also ended ones."""
    # The clock id that clock_getcpuclockid(3) gives for another process; nanoseconds, while
    # utime and stime in /proc/PID/stat come in ticks of 10 ms.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def share_core(pid=0):
    os.sched_setaffinity(pid, {CORE})
    os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))


def wrk(url, seconds, connections=32, script="plain.lua", headers=(), words=(), prepare=None):
    """Load for a bounded time; gives requests, bytes, us (duration) and errors by kind."""
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s",
               "--timeout", "10s", "-s", str(HERE / script)]
    for header in headers:
        command += ["-H", header]
    done = subprocess.run([*command, url, "--", *map(str, words)], capture_output=True, text=True,
                          timeout=seconds + 60, preexec_fn=prepare)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise Failure(f"wrk {done.returncode}: {done.stderr.strip() or done.stdout.strip()[-200:]}")
    seen = json.loads(lines[-1])
    wrong = {kind: seen[kind] for kind in ("status", "read", "write", "connect", "timeout")
             if seen[kind]}
    if wrong or not seen["bytes"]:
        raise Failure(f"load of {url.split('?')[0][:60]}: {seen['bytes']} bytes, errors {wrong}")
    return seen


def load_cost(pids, url, per="requests", seconds=1, **options):
    """Processor seconds of pids, which share the load's core, per request (or byte) of a load."""
    before = cpu_seconds(pids)
    seen = wrk(url, seconds, prepare=share_core, **options)
    return (cpu_seconds(pids) - before) / seen[per]


def pairs(measure, reference, count):
    """Runs both in turns, changing which goes first, after one unmeasured round."""
    measure(), reference()
    values, references = [], []
    for i in range(count):
        order = ((measure, values), (reference, references))
        for run, into in order if i % 2 == 0 else reversed(order):
            into.append(run())
    return values, references


def ratio_of(values, references):
    """Median of the ratios of the pairs, and the 95 % bootstrap interval of that median."""
    ratios = [v / r for v, r in zip(values, references)]
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios)))
                     for _ in range(RESAMPLES))
    interval = (medians[int(RESAMPLES * 0.025)], medians[int(RESAMPLES * 0.975)])
    return statistics.median(ratios), interval


def compare(row, measure, reference, count, scale=1.0):
    """Fills value, reference, ratio and interval of a row."""
    values, references = pairs(measure, reference, count)
    row.value = statistics.median(values) * scale
    row.reference = statistics.median(references) * scale
    row.ratio, row.interval = ratio_of(values, references)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
