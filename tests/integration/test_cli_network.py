"""slipway-update with everything that goes wrong on the way: networks, disks, signals."""
import contextlib
import json
import os
import signal
import subprocess
import time

import pytest

import slipway
from update_client import (SIZE, Client, client, digest, licence, package,  # noqa: F401
                           part_of, wait_for_part)
from wire import Wire


@pytest.fixture(scope="module")
def database():
    """Clients do not see which it is: the embedded one will do."""
    return "sqlite"


def test_state_is_private_and_drawn_once(client, licence):
    client.run("check")
    state = json.loads((client.state / "state.json").read_text())
    assert (client.state / "state.json").stat().st_mode & 0o777 == 0o600
    assert client.state.stat().st_mode & 0o777 == 0o700
    assert licence["licence_key"] not in (client.state / "state.json").read_text()
    client.licence = None  # from now on the device speaks for itself
    assert client.run("check")["update"]
    after = json.loads((client.state / "state.json").read_text())
    assert after["cohort"] == state["cohort"] and after["fingerprint"] == state["fingerprint"]
    (client.state / "state.json").write_text("{ damaged")
    assert client.run("check")["reason"] == "not_entitled"


def test_connections_cut_within_one_run(server, client, package, tmp_path):
    out = tmp_path / "out"
    client.run("check")
    with Wire(server.https, cut_after=[1_000_000, 400_000, 2_000_000]) as wire:
        done = client.run("download", "--output", out, url=wire.url)
        assert wire.connections >= 3
    assert digest(out / package.name) == digest(package) and done["verified"]
    record = server.cli("download", "show", done["download_id"])
    assert record["outcome"] == "success" and record["renewals"] == 0


def test_cancelled_download_is_resumable(client, package, tmp_path):
    out = tmp_path / "out"
    first = client.start("download", "--output", out, "--limit-rate", "1500k")
    wait_for_part(out, 500_000)
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=20)
    assert first.returncode == 13 and json.loads(errors.splitlines()[-1])["code"] == "cancelled"
    assert part_of(out)
    assert client.run("download", "--output", out)["resumed"]
    assert digest(out / package.name) == digest(package)


def test_server_away_in_the_middle(server, client, package, tmp_path):
    out = tmp_path / "out"
    with Wire(server.https, bytes_per_second=3_000_000) as wire:
        running = client.start("download", "--output", out, url=wire.url)
        wait_for_part(out, 1_000_000)
        wire.close()
        _, errors = running.communicate(timeout=120)
    assert running.returncode == 11, errors
    assert json.loads(errors.splitlines()[-1])["code"] == "network"
    assert client.run("download", "--output", out)["verified"]


def test_corrupted_part_is_found_and_removed(server, client, package, tmp_path):
    out = tmp_path / "out"
    first = client.start("download", "--output", out, "--limit-rate", "1500k")
    part = wait_for_part(out, 1_000_000)
    first.kill()
    first.wait()
    download = json.loads((out / f"{part.name}.json").read_text())["download_id"]
    with open(part, "r+b") as f:
        f.seek(5000)
        byte = f.read(1)
        f.seek(5000)
        f.write(bytes([byte[0] ^ 1]))
    told = client.run("download", "--output", out, check=16)
    assert told["code"] == "digest_mismatch" and "deleted" in told["detail"]
    assert not list(out.iterdir())
    record = server.cli("download", "show", download)
    assert record["outcome"] == "failure" and record["error"] == "digest_mismatch"
    assert client.run("download", "--output", out)["verified"]


def test_part_of_another_file_or_longer_than_it(client, package, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / f"{package.name}.part").write_bytes(os.urandom(SIZE * 2))
    done = client.run("download", "--output", out)
    assert done["verified"] and not done["resumed"]


def test_two_runs_into_one_place(client, tmp_path):
    out = tmp_path / "out"
    first = client.start("download", "--output", out, "--limit-rate", "1500k")
    wait_for_part(out, 100_000)
    assert client.run("download", "--output", out, check=10)["code"] == "download_running"
    first.communicate(timeout=60)
    assert first.returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root for a tmpfs of its own")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder])
    if mounted.returncode:
        pytest.skip("tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_full_disk(client, package, small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(b"\0" * 4_000_000)
    assert client.run("download", "--output", small_disk / "out", check=12)["code"] == "no_space"
    filler.unlink()
    running = client.start("download", "--output", small_disk / "out", "--limit-rate", "1500k")
    wait_for_part(small_disk / "out", 300_000)
    with contextlib.suppress(OSError), open(filler, "wb") as f:
        while f.write(b"\0" * 65536):
            f.flush()
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 12, errors
    filler.unlink()
    done = client.run("download", "--output", small_disk / "out")
    assert done["resumed"] and digest(small_disk / "out" / package.name) == digest(package)


def test_unknown_authority(server, client, tmp_path):
    other = tmp_path / "ca.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", os.devnull, "-subj", "/CN=other", "-out", other],
                   check=True, capture_output=True)
    words = client.words("check")
    words[words.index("--ca") + 1] = str(other)
    done = subprocess.run(words, env=client.env, capture_output=True, text=True)
    assert done.returncode == 11 and json.loads(done.stderr)["code"] == "certificate"
    words[words.index("--ca") + 1] = str(tmp_path / "missing.pem")
    assert subprocess.run(words, env=client.env, capture_output=True).returncode == 5


def test_token_that_expires_on_the_way_is_renewed(database, tmp_path):
    """Tokens live 10 s (and 30 s of leeway); the line is slow, and cut once they have ended."""
    server = slipway.Server(database, settings=["token.download_ttl=10s"])
    try:
        server.start()
        server.cli("product", "create", "vpn")
        file = slipway.make_deb(tmp_path / "vpn_2.0.0_amd64.deb", "vpn", "2.0.0", size=SIZE)
        server.publish(file, "vpn", "2.0.0")
        client = Client(server, tmp_path / "state")
        with Wire(server.https, bytes_per_second=120_000) as wire:
            running = client.start("download", "--output", tmp_path / "out", url=wire.url)
            wait_for_part(tmp_path / "out", 100_000)
            begun = time.monotonic()
            slipway.wait_until(lambda: time.monotonic() - begun > 42, "the token to end", 60)
            assert running.poll() is None
            wire.rate = None
            wire.cut_all()
            out, errors = running.communicate(timeout=60)
        assert running.returncode == 0, errors
        assert "Renewing the download token" in errors
        done = json.loads(out)
        assert digest(tmp_path / "out" / file.name) == digest(file) == done["sha256"]
        assert server.cli("download", "show", done["download_id"])["renewals"] >= 1
    finally:
        server.close()
