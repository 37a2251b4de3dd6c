"""Crash safety: SIGKILL at random points of publish, grant, ingestion and state publishing, again and
again. Clients keep a journal of what was acknowledged to them; after each restart a checker that
uses only public interfaces compares the server with the journal. Nothing acknowledged may be
missing, nothing half-done may be visible.

SLIPWAY_KILLS sets the number of kills (default 120, on each database), SLIPWAY_SEED the random choices."""
import hashlib
import json
import os
import random
import signal
import ssl
import threading
import time

import pytest

import slipway

KILLS = int(os.environ.get("SLIPWAY_KILLS", "120"))
SEED = int(os.environ.get("SLIPWAY_SEED", random.randrange(1 << 30)))
CONNECTION_FAILURES = (OSError, ssl.SSLError, slipway.http.client.HTTPException)


class Journal:
    """What the server has acknowledged. Written by the clients, read by the checker."""

    def __init__(self):
        self.lock = threading.Lock()
        self.releases = {}   # release id -> {version, sha256, package}
        self.downloads = {}  # download id -> {size, began, received}: received once all bytes had arrived
        self.nginx_killed_at = []
        self.kills = 0

    def add(self, where, key, value):
        with self.lock:
            where[key] = value

    def must_be_recorded(self):
        """nginx writes its line when a request has ended, a moment after the last byte has left: a
        download that had just arrived when nginx itself was killed, or whose bytes its client had
        still to read, may have no line."""
        return {name: d for name, d in self.downloads.items()
                if d["received"] and not any(d["began"] < killed_at and killed_at - 0.5 < d["received"]
                                             for killed_at in self.nginx_killed_at)}


class Client(threading.Thread):
    """Repeats one step until told to stop; a dead connection is part of the game."""

    def __init__(self, server, journal, token, step, number):
        super().__init__(daemon=True)
        self.server, self.journal, self.token, self.step = server, journal, token, step
        self.random = random.Random(SEED * 1000 + number)
        self.stopping = threading.Event()
        self.count = 0
        self.failure = None

    def run(self):
        while not self.stopping.is_set():
            try:
                self.step(self)
                self.count += 1
            except CONNECTION_FAILURES:
                self.stopping.wait(0.01)
            except Exception as e:  # noqa: BLE001  the test must see it
                self.failure = e
                return

    def call(self, method, path, body=None, expect=(200, 201), **more):
        answer = self.server.api(method, path, body, token=self.token, **more)
        if answer.status in (500, 502, 503, 504, 429, 401):
            raise ConnectionError(f"{method} {path}: {answer.status}")
        assert answer.status in expect, f"{method} {path}: {answer}"
        return answer.json if answer.body else None


def publish(client):
    """Upload, release, package, publish: each acknowledged step must hold, the whole or nothing seen."""
    number = client.random.randrange(1 << 40)
    version = f"1.{number >> 20}.{number & 0xfffff}"
    content = b"#!/bin/sh\n" + number.to_bytes(8, "big") * client.random.randrange(1, 4000)
    sha256 = hashlib.sha256(content).hexdigest()
    upload = client.call("PUT", "/admin/uploads/demo.run", content,
                         headers={"Content-Type": "application/octet-stream"})
    assert upload["sha256"] == sha256
    release = client.call("POST", "/admin/releases",
                          {"product": "crash", "version": version, "channels": ["stable"]})
    package = client.call("POST", f"/admin/releases/{release['id']}/packages",
                          {"upload_id": upload["id"], "filename": f"demo-{version}.run",
                           "platform": "linux-any", "format": "run", "class": "public"})
    client.call("POST", f"/admin/releases/{release['id']}/publish")
    client.journal.add(client.journal.releases, release["id"],
                       {"version": version, "sha256": sha256, "package": package["id"],
                        "size": len(content)})


def download(client):
    """Grant and download of something that was acknowledged."""
    with client.journal.lock:
        releases = list(client.journal.releases.values())
    if not releases:
        client.stopping.wait(0.05)
        return
    wanted = client.random.choice(releases)
    answer = client.server.api("POST", "/downloads/token", {"package_id": wanted["package"]})
    if answer.status >= 500 or answer.status == 429:
        raise ConnectionError(answer.status)
    assert answer.status in (200, 201), answer
    grant = answer.json
    record = {"size": wanted["size"], "received": False}
    client.journal.add(client.journal.downloads, grant["download_id"], record)
    path = "/d/" + grant["url"].split("/d/", 1)[1]
    record["began"] = time.monotonic()
    got = client.server.request("GET", path)
    if got.status >= 500:
        raise ConnectionError(got.status)
    assert got.status == 200, got
    assert hashlib.sha256(got.body).hexdigest() == wanted["sha256"]
    record["received"] = time.monotonic()


def number(version):
    return tuple(int(n) for n in version.split("."))


def check(server, journal, token, sample):
    """Compares the server with the journal, through the API and the data plane only."""
    with journal.lock:
        releases, downloads = dict(journal.releases), dict(journal.downloads)
    listed, cursor = {}, None
    while True:
        query = "/admin/releases?product=crash&limit=200" + (f"&cursor={cursor}" if cursor else "")
        page = server.api("GET", query, token=token, status=200).json
        listed.update((r["id"], r) for r in page["items"])
        cursor = page.get("next_cursor")
        if not cursor:
            break
    for release_id, expected in releases.items():
        assert release_id in listed, f"acknowledged release {release_id} is gone"
        assert listed[release_id]["state"] == "published", listed[release_id]
    # Whatever is published, acknowledged or not, is whole: its package downloads and matches.
    published = [r for r in listed.values() if r["state"] == "published"]
    for release in sample.sample(published, min(3, len(published))):
        packages = server.api("GET", f"/admin/packages?release={release['id']}", token=token,
                              status=200).json["items"]
        assert packages, f"published without a package: {release}"
        package = packages[0]
        grant = server.api("POST", "/downloads/token", {"package_id": package["id"]})
        assert grant.status in (200, 201), grant
        got = server.request("GET", "/d/" + grant.json["url"].split("/d/", 1)[1])
        assert got.status == 200 and hashlib.sha256(got.body).hexdigest() == package["sha256"], got
    # The data plane offers the newest of them, or one published since the list was read.
    if releases:
        newest = max(number(r["version"]) for r in published)
        offered = server.api("GET", "/updates/check?product=crash&version=0.0.1&platform=linux-any",
                             status=200).json
        assert offered["update"] and number(offered["version"]) >= newest, offered
    for download_id in sample.sample(sorted(downloads), min(10, len(downloads))):
        server.api("GET", f"/admin/downloads/{download_id}", token=token, status=200)


def control_pid(server):
    """The control plane's process below the supervisor."""
    for pid in slipway.descendants(server.process.pid):
        try:
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() == "slipway-control":
                    return pid
        except OSError:
            continue
    return None


def wait_answering(server):
    def answers():
        try:
            return server.request("GET", "/readyz", timeout=5).status == 200
        except CONNECTION_FAILURES:
            return False
    slipway.wait_until(answers, "the server to answer again", 30)


@pytest.fixture(scope="module")
def server(database):
    running = slipway.Server(database, settings=["limit.api=100000", "limit.downloads=1000"])
    try:
        yield running.start()
    finally:
        running.close()


def test_nothing_acknowledged_is_lost_by_kill_9(server):
    print(f"SLIPWAY_SEED={SEED}")
    chance = random.Random(SEED)
    journal = Journal()
    token = server.login()
    server.admin("POST", "/admin/products", {"name": "crash"}, status=201)
    clients = [Client(server, journal, token, step, i)
               for i, step in enumerate([publish, publish, download, download])]
    for c in clients:
        c.start()
    in_a_row = 0
    try:
        for journal.kills in range(KILLS):
            # Not a wait for something: the point of the crash is to be random.
            time.sleep(chance.uniform(0.02, 0.25))
            # A supervisor waits longer before each restart; a fresh one begins at the beginning.
            if in_a_row == 3 or chance.random() < 0.2:
                in_a_row = 0
                server.kill()
                journal.nginx_killed_at.append(time.monotonic())
                server.start()
            else:
                in_a_row += 1
                os.kill(slipway.wait_until(lambda: control_pid(server), "a control plane to kill"),
                        signal.SIGKILL)
            wait_answering(server)
            token = server.login()
            if journal.kills % 5 == 0:
                check(server, journal, token, chance)
            for c in clients:
                c.token = token
                assert c.failure is None, c.failure
    finally:
        for c in clients:
            c.stopping.set()
        for c in clients:
            c.join(60)
    for c in clients:
        assert c.failure is None, c.failure
    check(server, journal, token, chance)
    # A busy machine gets little done between two kills, but it is not nothing that is not lost.
    assert len(journal.releases) >= KILLS / 10 and len(journal.downloads) >= KILLS / 10, \
        (len(journal.releases), len(journal.downloads))
    # Every download whose bytes all arrived at the client is recorded, once and whole.
    received = journal.must_be_recorded()

    def unrecorded():
        for download_id, expected in list(received.items()):
            shown = server.api("GET", f"/admin/downloads/{download_id}", token=token, status=200).json
            if shown["bytes"] < expected["size"]:
                return False
            assert shown["bytes"] == expected["size"], shown
            assert shown["bytes_sent"] == expected["size"], f"counted twice: {json.dumps(shown)}"
            del received[download_id]
        return True

    slipway.wait_until(unrecorded, "all downloads to be recorded", 30)
