"""Rows of what the control plane does: grants, events, revocation, uploads, start."""
import http.client
import json
import pathlib
import re
import socket
import statistics
import subprocess
import threading
import time

from measure import HERE, Failure, compare, cpu_seconds, percentile, wrk
from world import MIB, Client, deb, slipway, upload


def signatures_per_second():
    done = subprocess.run(["openssl", "speed", "-seconds", "1", "ecdsap256"], capture_output=True,
                          text=True)
    found = re.search(r"nistp256\)\s+\S+\s+\S+\s+([\d.]+)\s", done.stdout)
    if not found:
        raise Failure(f"openssl speed: {done.stderr.strip()[-200:]}")
    return float(found.group(1))


def grants(row, stage):
    processes = stage.world.processes
    pids = processes["nginx"] + processes["slipway"]
    body = json.dumps({"package_id": stage.small["id"]})
    headers = [f"Authorization: Bearer {stage.tokens['access_token']}",
               "Content-Type: application/json"]
    url = stage.server.url + "/api/v1/downloads/token"
    wall = []

    def rate():
        before = cpu_seconds(pids)
        seen = wrk(url, 2, script="grant.lua", headers=headers, words=[stage.paths_file, body])
        wall.append(seen["requests"] / seen["us"] * 1e6)
        return seen["requests"] / (cpu_seconds(pids) - before)
    compare(row, rate, signatures_per_second, 5)
    row.note = (f"reference: ES256 signatures; {statistics.median(wall):,.0f}/s on the clock, the "
                "load on the same cores")


def slowest_of(stage, path, count=400):
    """The 99th percentile of the seconds that a small download takes, one after another."""
    connection, took = stage.server.connection(), []
    for _ in range(count):
        began = time.monotonic()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise Failure(f"a download beside sign-ins: {answer.status}")
        took.append(time.monotonic() - began)
    return percentile(took, 0.99)


def beside_sign_ins(row, stage, count=200):
    """Small downloads while 200 clients sign in with wrong passwords, again and again."""
    path = stage.path_of(stage.grant(stage.small))
    def beside():
        storm = subprocess.Popen(
            ["wrk", "-t", "1", "-c", str(count), "-d", "60s", "-s", str(HERE / "sign_in.lua"),
             stage.server.url + "/api/v1/auth/login"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return slowest_of(stage, path)
        finally:
            storm.kill()
            storm.wait()
    compare(row, beside, lambda: slowest_of(stage, path), 5, scale=1000)
    row.note = f"p99 of single downloads; {count} connections sign in"


class ControlConnection(http.client.HTTPConnection):
    """To the control plane's own socket, where the tailer posts."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def batches_of(lines, size):
    batch = []
    room = size
    for line in lines:
        if len(line) > room:
            yield b"".join(batch)
            batch, room = [], size
        batch.append(line)
        room -= len(line)
    yield b"".join(batch)


def ingest(connection, generation, lines):
    """Posts these lines as the tailer does; gives the seconds until they are stored."""
    position, began = 0, time.monotonic()
    for batch in batches_of(lines, MIB):
        connection.request("POST", "/internal/events?edge=bench&generation="
                           f"{generation:016x}&from={position}", batch)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        position += len(batch)
        if answer.status != 200 or told["position"] != position:
            raise Failure(f"internal/events: {answer.status} {told}")
    return time.monotonic() - began


def ingestion(row, stage, rounds=5):
    pids = stage.world.processes["slipway"]
    lines = stage.logged_downloads()
    each = len(lines) // rounds
    if each < 1000:
        raise Failure(f"only {len(lines)} downloads were logged")
    connection = ControlConnection(stage.server.data / "run" / "control.sock")
    rates, before = [], cpu_seconds(pids)
    for n in range(rounds):
        rates.append(each / ingest(connection, n, lines[n * each:(n + 1) * each]))
    cpu = (cpu_seconds(pids) - before) / (each * rounds)
    row.value = statistics.median(rates)
    row.interval = (min(rates), max(rates))
    row.note = f"{each * rounds:,} downloads that nginx logged, {cpu * 1e6:.1f} us CPU each"


def revocation(row, stage, count=300):
    user = Client(stage.server, stage.tokens["access_token"])
    get = stage.server.connection()
    took = []

    def status(path):
        get.request("GET", path)
        answer = get.getresponse()
        answer.read()
        return answer.status
    for _ in range(count):
        grant = user("POST", "/downloads/token", {"package_id": stage.small["id"]})
        path = stage.path_of(grant)
        if status(path) != 200:
            raise Failure("a fresh token was refused")
        began = time.monotonic()
        user("DELETE", "/tokens/revoke", {"token": grant["token"]})
        while status(path) == 200:
            if time.monotonic() - began > 10:
                raise Failure("a revoked token still opens the file after 10 s")
        took.append((time.monotonic() - began) * 1000)
    row.value = percentile(took, 0.99)
    row.interval = (min(took), max(took))
    row.note = f"{count} revocations, median {statistics.median(took):.1f} ms"


def status_kib(pid, name):
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.M)
    return int(found.group(1)) if found else 0


class PeakWatch:
    """Peak resident memory of the server's processes beyond what they had. Children that come and go
    (inspection of a file) count with all they have."""

    def __init__(self, server):
        self.root = server.process.pid
        self.before, self.peaks = {}, {}
        for pid in self._pids():
            # 5: resets VmHWM (proc(5), clear_refs).
            pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
            self.before[pid] = status_kib(pid, "VmRSS")
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _pids(self):
        return [self.root, *slipway.descendants(self.root)]

    def _watch(self):
        while not self.ended.wait(0.002):
            for pid in self._pids():
                self.peaks[pid] = max(status_kib(pid, "VmHWM"), self.peaks.get(pid, 0))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *problem):
        self.ended.set()
        self.thread.join()

    @property
    def growth_kib(self):
        return sum(max(0, peak - self.before.get(pid, 0)) for pid, peak in self.peaks.items())


def upload_memory(row, stage):
    parts, length = deb("3.0.0", 1 << 30)
    # A connection of its own: nginx has closed those that were idle for long.
    client = Client(stage.server, stage.admin.token)
    began = time.monotonic()
    with PeakWatch(stage.server) as watch:
        uploaded = upload(client, "large.deb", parts, length)
    took = time.monotonic() - began
    if uploaded["size"] != length or uploaded["format"] != "deb":
        raise Failure(f"the upload ended as {uploaded}")
    row.value = watch.growth_kib / 1024
    row.note = f"growth of all processes, each at its own peak; took {took:.1f} s"


def start_up(row, large, rounds=5):
    took = []
    for _ in range(rounds):
        large.server.stop()
        began = time.monotonic()
        large.server.start()
        took.append(time.monotonic() - began)
    row.value = statistics.median(took)
    row.interval = (min(took), max(took))
