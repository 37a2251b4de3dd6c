"""The event tailer against the real control plane: exact counts through rotation, torn lines, kill -9
of either side at random points, and outages. Lines are written as nginx writes them.

SLIPWAY_SEED sets the random choices."""
import contextlib
import json
import os
import random
import signal
import subprocess
import time

import pytest

import control
from slipway import SLIPWAY, wait_until

SEED = int(os.environ.get("SLIPWAY_SEED", random.randrange(1 << 30)))


class Tailer:
    def __init__(self, plane):
        self.plane, self.process = plane, None

    def start(self):
        with open(self.plane.dir / "tailer.log", "ab") as log:
            self.process = subprocess.Popen([SLIPWAY, "tailer", "--data", self.plane.data], stderr=log)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait(20)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0


@pytest.fixture(scope="module")
def plane(database):
    print(f"SLIPWAY_SEED={SEED}")
    with control.running(database) as running:
        running.package = publish(running)
        (running.data / "log").mkdir(exist_ok=True)
        yield running


@pytest.fixture
def tailer(plane):
    running = Tailer(plane)
    yield running
    if running.process and running.process.poll() is None:
        running.kill()
    for file in (plane.data / "log").glob("events*"):
        file.unlink()


SIZE = 10000


def publish(plane):
    plane.api("POST", "/admin/products", {"name": "demo"}, plane.admin, 201)
    release = plane.api("POST", "/admin/releases",
                        {"product": "demo", "version": "1.0.0", "channels": ["stable"]}, plane.admin, 201)
    upload = plane.api("PUT", "/admin/uploads/demo.run", b"#!/bin/sh\n" + b"#" * (SIZE - 10), plane.admin,
                       headers={"Content-Type": "application/octet-stream"})
    package = plane.api("POST", f"/admin/releases/{release['id']}/packages", {
        "upload_id": upload["id"], "filename": "demo.run", "platform": "linux-any", "format": "run",
        "class": "public"}, plane.admin, 201)
    plane.api("POST", f"/admin/releases/{release['id']}/publish", None, plane.admin, 200)
    return package["id"]


def checks(plane):
    found = plane.api("GET", "/admin/stats", token=plane.admin, status=200)["update_checks"]
    return {(c["product"], c["installed"]): (c["checks"], c["offered"]) for c in found}


def test_a_client_counts_once_a_day(plane, tailer):
    log = Log(plane)
    for counted in ("none", "day", "week", "month", "day", "day"):
        log.raw(json.dumps({"event": "check", "time": round(time.time(), 3), "country": "", "product": "demo",
                            "platform": "linux-any", "channel": "stable", "installed": "0.9.0",
                            "offered": "1.0.0", "reason": "update_available", "counted": counted},
                           separators=(",", ":")) + "\n")
    log.raw(json.dumps({"event": "check", "time": round(time.time(), 3), "country": "", "product": "demo",
                        "platform": "linux-any", "channel": "stable", "installed": "1.0.0", "offered": "",
                        "reason": "up_to_date", "counted": "none"}, separators=(",", ":")) + "\n")
    tailer.start()
    assert wait_until(lambda: (c := checks(plane)).get(("demo", "1.0.0")) and c, "the checks") == {
        ("demo", "other"): (3, 3), ("demo", "1.0.0"): (1, 0)}
    tailer.stop()


class Log:
    """Writes events.log as nginx does: one write per line, to whatever file it has open."""

    def __init__(self, plane):
        self.plane, self.path, self.number = plane, plane.data / "log" / "events.log", 0
        self.file = open(self.path, "ab", buffering=0)

    def line(self, download, start, sent, **more):
        self.number += 1
        self.raw(json.dumps({
            "event": "download", "time": round(time.time(), 3), "duration": 0.5, "download": download,
            "file": "demo.run", "method": "GET", "status": 206, "sent": sent, "size": str(SIZE),
            "complete": "OK", "content_range": f"bytes {start}-{SIZE - 1}/{SIZE}", "range": "",
            "agent": "curl/8.0", "country": "", "number": self.number, **more},
            separators=(",", ":")) + "\n")

    def raw(self, text):
        self.file.write(text.encode())

    def rotate(self, reopen=True):
        name = self.path.with_name(f"events.{time.time_ns():020}.log")
        self.path.rename(name)
        if reopen:
            self.reopen()
        return name

    def reopen(self):
        self.file.close()
        self.file = open(self.path, "ab", buffering=0)


def grants(plane, count):
    return [plane.api("POST", "/downloads/token", {"package_id": plane.package}, status=200)["download_id"]
            for _ in range(count)]


def record(plane, download):
    return plane.api("GET", f"/admin/downloads/{download}", token=plane.admin, status=200)


def metric(plane, name):
    for line in plane.request("GET", "/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return int(float(line.split()[1]))
    return 0


def wait_for(plane, download, **expected):
    def reached():
        shown = record(plane, download)
        return all(shown[k] == v for k, v in expected.items()) and shown
    return wait_until(reached, f"{download} to have {expected}, is {record(plane, download)}", 30)


def test_a_request_is_recorded_within_two_seconds(plane, tailer):
    (download,) = grants(plane, 1)
    tailer.start()
    log = Log(plane)
    log.line(download, 0, 4000, agent="slipway-update/0.1.0 (linux; amd64)", country="DE")
    ended = time.monotonic()
    shown = wait_for(plane, download, bytes=4000)
    assert time.monotonic() - ended < 2
    assert shown["state"] == "started" and shown["country"] == "DE"
    assert shown["client"] == {"os": "linux", "device": "tool", "version": "slipway-update/0.1.0"}
    log.line(download, 3000, 7000)
    shown = wait_for(plane, download, bytes=SIZE)
    assert shown["state"] == "transferred" and shown["bytes_sent"] == 11000 and shown["requests"] == 2
    tailer.stop()


def test_torn_lines_are_skipped_and_counted(plane, tailer):
    (download,) = grants(plane, 1)
    torn = metric(plane, "slipway_events_torn_total")
    log = Log(plane)
    log.raw("garbage\n")
    log.line(download, 0, 100)
    log.raw('{"event":"download","time":17')  # a disk that was full for a moment
    log.line(download, 100, 100)
    log.raw("x" * 40000 + "\n")
    log.line(download, 200, 100)
    log.raw('{"event":"download","time":1700000000.0,"do')  # still being written
    tailer.start()
    wait_for(plane, download, bytes=300)
    assert metric(plane, "slipway_events_torn_total") >= torn + 2
    log.raw(f'wnload":"{download}","file":"demo.run","method":"GET","status":200,"sent":400}}\n')
    wait_for(plane, download, bytes=400)


def test_rotation_loses_and_repeats_nothing(plane, tailer):
    (download,) = grants(plane, 1)
    tailer.start()
    log = Log(plane)
    log.line(download, 0, 1000)
    wait_for(plane, download, bytes=1000)
    log.rotate(reopen=False)
    log.line(download, 1000, 1000)  # nginx has not opened the new file yet
    wait_for(plane, download, bytes=2000)
    log.reopen()
    log.line(download, 2000, 1000)
    wait_for(plane, download, bytes=3000)
    tailer.kill()
    for start in range(3000, 9000, 1000):
        log.line(download, start, 1000)
        log.rotate()
    log.line(download, 9000, 1000)
    tailer.start()
    shown = wait_for(plane, download, bytes=SIZE)
    assert shown["bytes_sent"] == SIZE and shown["requests"] == 10


def test_a_deleted_or_cut_log_is_another_log(plane, tailer):
    (download,) = grants(plane, 1)
    tailer.start()
    log = Log(plane)
    log.line(download, 0, 1000)
    wait_for(plane, download, bytes=1000)
    log.path.unlink()
    log.reopen()
    log.line(download, 1000, 1000)
    wait_for(plane, download, bytes=2000)
    log.file.truncate(0)
    log.line(download, 2000, 1000, agent="")  # shorter than what was there: that is how it shows
    assert wait_for(plane, download, bytes=3000)["bytes_sent"] == 3000


def test_outages_of_the_control_plane(plane, tailer):
    (download,) = grants(plane, 1)
    tailer.start()
    log = Log(plane)
    log.line(download, 0, 1000)
    wait_for(plane, download, bytes=1000)
    plane.stop()
    for start in range(1000, SIZE, 1000):
        log.line(download, start, 1000)
    tailer.kill()
    tailer.start()
    plane.start()
    assert wait_for(plane, download, bytes=SIZE)["bytes_sent"] == SIZE
    lines = (plane.dir / "tailer.log").read_text()
    assert lines.count("takes no events") <= 3, "an outage is told once"


def test_kill_9_at_random_points_counts_exactly(plane, tailer):
    """Lines are written all the time; tailer and control plane are killed again and again."""
    chance = random.Random(SEED)
    downloads = grants(plane, 40)
    left = {d: [(start, 100) for start in range(0, SIZE, 100)] for d in downloads}
    log = Log(plane)
    tailer.start()
    kills = 0
    while any(left.values()):
        for _ in range(chance.randrange(1, 120)):
            download = chance.choice([d for d in downloads if left[d]] or [None])
            if download is None:
                break
            log.line(download, *left[download].pop(chance.randrange(len(left[download]))))
        # Not a wait for something: the point of the kill is to be random.
        time.sleep(chance.uniform(0, 0.15))
        what = chance.random()
        if what < 0.35:
            tailer.kill()
            tailer.start()
            kills += 1
        elif what < 0.6:
            plane.process.kill()
            plane.process.wait(20)
            plane.start()
            kills += 1
        elif what < 0.7:
            log.rotate()
    assert kills > 10
    for download in downloads:
        shown = wait_for(plane, download, bytes=SIZE)
        assert shown["bytes_sent"] == SIZE and shown["requests"] == SIZE / 100, shown
        assert shown["state"] == "transferred" and shown["ranges"] == f"0-{SIZE - 1}"


def test_internal_events_are_not_for_clients(plane):
    answer = plane.request("POST", "/internal/events?edge=x&generation=y&from=0", b"x\n")
    assert answer.status == 404  # through nginx: the address of a client is known
    with contextlib.closing(plane.connection()) as direct:
        for query, status in (("", 400), ("edge=x&generation=y", 400), ("edge=x&generation=y&from=-1", 400),
                              ("edge=x&generation=y&from=7", 200), ("edge=x&generation=y&from=0", 200)):
            direct.request("POST", f"/internal/events?{query}", body=b"x\n")
            response = direct.getresponse()
            body = response.read()
            assert response.status == status, (query, response.status, body)
            if status == 200:
                position = json.loads(body)["position"]
                assert position == (0 if "from=7" in query else 2), (query, body)
