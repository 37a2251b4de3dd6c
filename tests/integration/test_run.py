"""`make run` as a person meets it: the walk, the second start, Ctrl-C, and runs that were killed.
Debian's mirror is the one stand-in: `apt-cache` and `apt-get` here offer packages made on the spot."""
import contextlib
import os
import pathlib
import pty
import re
import signal
import stat
import subprocess
import threading

import pytest

import slipway
from slipway import free_port, wait_until

PACKAGES = {"openvpn": ["2.6.3-1+deb12u2"], "wireguard-tools": ["1.0.20210914-1+b1"], "openconnect": ["9.01-3"],
            "strongswan-starter": ["5.9.8-5+deb12u5", "5.9.8-5+deb12u6"]}
APT_CACHE = """#!/bin/sh
for f in {mirror}/"$2"_*; do
	echo " $2 | $(dpkg-deb -f "$f" Version) | http://deb.debian.org bookworm/main amd64 Packages"
done | head -n "${{MIRROR_VERSIONS:-2}}"
"""
APT_GET = """#!/bin/sh
[ -e {mirror}/up ] || {{ echo "E: the mirror cannot be reached" >&2; exit 100; }}
for word; do
	case $word in *=*_*|*/*) ;; [a-z]*=[0-9]*) cp {mirror}/"$(echo "$word" | tr = _)"_*.deb . ;; esac
done
"""


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A folder that, first in PATH, is Debian's mirror; without the file `up` it is out of reach."""
    folder = tmp_path_factory.mktemp("mirror")
    for name, versions in PACKAGES.items():
        for version in versions:
            slipway.make_deb(folder / f"{name}_{version}_amd64.deb", name=name, version=version, size=200_000)
    for name, text in (("apt-cache", APT_CACHE), ("apt-get", APT_GET)):
        (folder / name).write_text(text.format(mirror=folder))
        (folder / name).chmod(0o755)
    (folder / "up").touch()
    return folder


class Run:
    """One `make run` in a terminal of its own, and what it has said so far."""

    def __init__(self, place, mirror, **environment):
        env = {**os.environ, "PATH": f"{mirror}:{os.environ['PATH']}", "BUILD": str(slipway.BUILD), "TERM": "xterm",
               "SLIPWAY_DATA": str(place.data), "SLIPWAY_HTTPS": f"127.0.0.1:{place.https}",
               "SLIPWAY_HTTP": f"127.0.0.1:{place.http}", **environment}
        self.terminal, other = pty.openpty()
        self.process = subprocess.Popen([slipway.ROOT / "scripts/run.sh"], env=env, stdin=other, stdout=other,
                                        stderr=other, start_new_session=True)
        os.close(other)
        self.said = ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        try:
            while part := os.read(self.terminal, 4096):
                self.said += re.sub(r"\x1b\[[0-9;]*[a-zA-Z]|\r", "", part.decode(errors="replace"))
        except OSError:  # the other side is closed
            pass

    def wait_for(self, text, seconds=60):
        wait_until(lambda: text in self.said or self.process.poll() is not None, text, seconds)
        assert text in self.said, self.said
        return self

    def interrupt(self):
        """Ctrl-C: every process of the foreground group gets it."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def end(self):
        code = self.process.wait(40)
        # A server that was left behind keeps the terminal open: what was said is complete without it.
        self.reader.join(1)
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


class Place:
    def __init__(self, folder, mirror):
        self.folder, self.mirror, self.data, self.demo = folder, mirror, folder / "data", folder / "data.demo"
        self.https, self.http, self.runs = free_port(), free_port(), []

    def run(self, **environment):
        self.runs.append(Run(self, self.mirror, **environment))
        return self.runs[-1]

    def processes(self):
        """Process ids of all that has this place's data directory open or was started for it."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if os.readlink(entry / "cwd").startswith(str(self.folder)):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


@pytest.fixture
def place(tmp_path, mirror):
    here = Place(tmp_path, mirror)
    yield here
    for run in here.runs:
        run.kill()
    for pid in here.processes():
        os.kill(pid, signal.SIGKILL)


END = "Ctrl-C stops it."


def test_walk_second_start_and_stop(place):
    first = place.run().wait_for(END)
    for text in ("1. The first administrator", "openvpn 2.6.3-1.12.2: published", "5.9.8-5.12.6", "killed with",
                 "Going on with an interrupted download", "verified", "completed", "success"):
        assert text in first.said, text
    assert len([l for l in first.said.splitlines() if len(l) > 80 and "slipway" in l.split()[0]]) <= 1, first.said
    for secret in ("admin-password", "customer-password", "licence-key", "publisher.key"):
        assert stat.S_IMODE((place.demo / secret).stat().st_mode) == 0o600, secret
        assert (place.demo / secret).read_text().split()[-1] not in first.said, secret
    shown = subprocess.run(["sh", "-euc", f". {place.demo}/env; slipway stats --json"], capture_output=True, text=True)
    assert shown.returncode == 0 and '"completed"' in shown.stdout, shown
    second = place.run()
    assert second.end() == 1
    assert "Another `make run` is running" in second.said
    assert first.interrupt() == 0, first.said
    assert first.said.rstrip().endswith(f"Stopped. The data is in {place.data}.")
    assert not place.processes()
    again = place.run(SLIPWAY_EXIT="1")
    assert again.end() == 0
    assert "Starting Slipway again" in again.said and "5.9.8-5.12.6" in again.said
    assert "1. The first administrator" not in again.said and not place.processes()


@pytest.mark.parametrize("moment", ["Starting Slipway", "3. A publisher's key", "4. A customer", "6. Download"])
def test_interrupted_and_killed_walks_go_on(place, moment):
    """Ctrl-C in the middle; then kill -9, which leaves the server behind; then to the end."""
    run = place.run().wait_for(moment)
    assert run.interrupt() == 130, run.said
    assert not place.processes()
    killed = place.run().wait_for(moment)
    killed.kill()
    last = place.run(SLIPWAY_EXIT="1")
    assert last.end() == 0, last.said
    assert "7. What the server recorded" in last.said and "completed" in last.said
    assert not place.processes()


def test_a_server_that_dies_in_the_walk_is_said(place):
    run = place.run().wait_for("3. A publisher's key")
    for pid in place.processes():
        # The server and its children, not the walk and its commands, which may end meanwhile.
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"serve" in command or command[0].startswith(b"nginx:") or \
                    pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("slipway-"):
                os.kill(pid, signal.SIGKILL)
    assert run.end() == 1
    assert "Slipway has ended" in run.said, run.said
    last = place.run(SLIPWAY_EXIT="1")
    assert last.end() == 0, last.said


def test_what_is_in_the_way_is_said(place, mirror):
    with slipway.socket.socket() as taken:
        taken.bind(("127.0.0.1", place.https))
        taken.listen()
        run = place.run()
        assert run.end() == 1
        assert f"cannot listen on 127.0.0.1:{place.https}: another program uses it" in run.said
        assert "SLIPWAY_HTTPS" in run.said
    (mirror / "up").unlink()
    try:
        run = place.run()
        assert run.end() == 1
        assert "the mirror cannot be reached" in run.said and "Is there a network?" in run.said, run.said
        assert not place.processes()
    finally:
        (mirror / "up").touch()
    other = place.run(SLIPWAY_DATABASE="postgresql://nobody@/nothing")
    assert other.end() == 1 and "was made for another database" in other.said
    last = place.run(SLIPWAY_EXIT="1")
    assert last.end() == 0, last.said


def test_on_postgresql_and_interrupted(place, postgresql):
    """And where Debian has one version of everything, as without its archive of security updates."""
    url = postgresql()
    environment = {"SLIPWAY_DATABASE": url, "MIRROR_VERSIONS": "1"}
    run = place.run(**environment).wait_for("Creating")
    run.kill()
    run = place.run(**environment).wait_for("3. A publisher's key")
    assert run.interrupt() == 130
    last = place.run(**environment, SLIPWAY_EXIT="1")
    assert last.end() == 0, last.said
    assert "installed: 5.9.8-5.12.5\n" in last.said and "5.9.8-5.12.5.1" in last.said
    assert "completed" in last.said
    assert f"database = {url}" in (place.data / "slipway.conf").read_text()
