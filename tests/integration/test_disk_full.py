"""A full disk: clear errors, nothing half-done, and everything goes on once there is room again."""
import contextlib
import hashlib
import os
import subprocess
import tempfile

import pytest

import slipway
from test_uploads import TUS, at, create, offset_of, patch

SPARE = 64 << 20  # what the server keeps free for its database


@pytest.fixture(scope="module")
def server():
    """On a disk of 110 MB."""
    disk = tempfile.mkdtemp(prefix="slipway-disk-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=110m", "none", disk], capture_output=True).returncode:
        os.rmdir(disk)
        pytest.skip("no right to mount a small disk")
    before, tempfile.tempdir = tempfile.tempdir, disk
    try:
        running = slipway.Server(settings=["limit.api=100000"])
    finally:
        tempfile.tempdir = before
    try:
        yield running.start()
    finally:
        running.close()
        subprocess.run(["umount", "-l", disk], check=True)
        os.rmdir(disk)


class Ballast:
    """Fills the server's disk but for some bytes."""

    def __init__(self, server, leave):
        stat = os.statvfs(server.data)
        self.path = server.dir / "ballast"
        with contextlib.suppress(OSError), self.path.open("wb", buffering=0) as file:
            file.write(bytes(max(stat.f_bavail * stat.f_frsize - leave, 0)))

    def drop(self):
        self.path.unlink()


def free(server):
    stat = os.statvfs(server.data)
    return stat.f_bavail * stat.f_frsize


def test_refused_before_a_byte_is_sent(server):
    answer = create(server, free(server) - SPARE + (1 << 20), status=507)
    assert answer.json["code"] == "no_space"
    answer = server.api("PUT", "/admin/uploads/a.run", b"#!" + bytes(free(server) - SPARE),
                        token=server.login(), status=507)
    assert answer.json["code"] == "no_space"
    assert not list((server.data / "uploads").iterdir())


def test_full_in_the_middle(server):
    """What arrived is kept, and the upload goes on when there is room."""
    data = b"#!/bin/sh\n" + os.urandom(5_000_000)
    path = at(create(server, len(data)))
    ballast = Ballast(server, 2_000_000)
    answer = patch(server, path, 0, data, status=507)
    assert answer.json["code"] == "no_space"
    ballast.drop()
    offset = offset_of(server, path)
    assert 0 < offset < len(data)
    patch(server, path, offset, data[offset:])
    shown = server.admin("GET", path, status=200).json
    assert shown["finished"] and shown["sha256"] == hashlib.sha256(data).hexdigest()
    server.api("DELETE", path, token=server.login(), headers=TUS, status=204)


def test_whole_file_cut_by_a_full_disk(server):
    ballast = Ballast(server, SPARE + 20_000_000)
    data = b"#!/bin/sh\n" + bytes(10_000_000)
    # Room when it begins, none when it goes on: the second ballast comes in between.
    connection = server.connection()
    connection.putrequest("PUT", "/api/v1/admin/uploads/cut.run")
    connection.putheader("Authorization", f"Bearer {server.login()}")
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data[:1000])
    slipway.wait_until(lambda: list((server.data / "uploads").iterdir()), "the upload to begin")
    ballast.drop()
    ballast = Ballast(server, 1_000_000)
    connection.send(data[1000:])
    answer = connection.getresponse()
    assert answer.status == 507
    connection.close()
    ballast.drop()
    slipway.wait_until(lambda: not list((server.data / "uploads").iterdir()), "its bytes to be dropped")
    server.api("PUT", "/admin/uploads/whole.run", data, token=server.login(), status=201)


def test_database_without_room(server):
    """Publishing with no room at all: an error, and all or nothing of it."""
    server.admin("POST", "/admin/products", {"name": "full"}, status=201)
    sent = server.api("PUT", "/admin/uploads/a.run", b"#!/bin/sh\nfull", token=server.login(), status=201).json
    release = server.admin("POST", "/admin/releases", {"product": "full", "version": "1.0.0",
                                                       "channels": ["stable"]}, status=201).json
    server.admin("POST", f"/admin/releases/{release['id']}/packages",
                 {"upload_id": sent["id"], "platform": "linux-amd64"}, status=201)
    ballast = Ballast(server, 0)
    answer = server.admin("POST", f"/admin/releases/{release['id']}/publish")
    assert answer.status in (200, 503, 507), answer
    check = server.api("GET", "/updates/check?product=full&version=0.1.0&platform=linux-amd64", status=200)
    assert check.json["update"] == (answer.status == 200)
    ballast.drop()
    slipway.wait_until(lambda: server.admin("POST", f"/admin/releases/{release['id']}/publish").status == 200,
                       "the release to be published")
    assert server.api("GET", "/updates/check?product=full&version=0.1.0&platform=linux-amd64",
                      status=200).json["version"] == "1.0.0"
