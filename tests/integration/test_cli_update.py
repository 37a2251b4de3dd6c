"""slipway-update against the real server, on both databases: activation, checks, downloads."""
import concurrent.futures
import contextlib
import json
import signal
import subprocess

import slipway
from update_client import (SIZE, Client, client, digest, licence, package,  # noqa: F401
                           part_of, wait_for_part)


def test_from_activation_to_the_recorded_download(server, client, licence, package, tmp_path):
    out = tmp_path / "out"
    stranger = Client(server, tmp_path / "stranger")
    assert stranger.run("check")["reason"] == "not_entitled"
    assert stranger.run("download", "--output", out, check=4)["code"] == "authentication_required"
    answer = client.run("check")
    assert answer["update"] and answer["version"] == "1.1.0"
    assert answer["package"]["sha256"] == digest(package)
    first = client.start("download", "--output", out, "--limit-rate", "1500k")
    part = wait_for_part(out, 1_000_000)
    first.send_signal(signal.SIGKILL)
    first.wait()
    there = part.stat().st_size
    done = client.run("download", "--output", out)
    assert done["resumed"] and done["verified"] and done["signature"] == "not_required"
    assert done["received"] <= SIZE - there + 100_000
    assert digest(package) == done["sha256"] == digest(out / package.name)
    assert [p.name for p in out.iterdir()] == [package.name]
    record = slipway.wait_until(
        lambda: (d := server.cli("download", "show", done["download_id"]))["bytes"] == done["size"]
        and d, "the events of the download")
    assert record["state"] == "completed" and record["outcome"] == "success"
    assert record["requests"] == 2
    again = client.run("download", "--output", out)
    assert again["download_id"] is None and again["received"] == 0
    assert client.run("verify", out / package.name, "--sha256", done["sha256"])["verified"]
    client.run("report", "installed", "--release", done["release_id"])


def test_device_limit_and_bad_keys(server, licence, client, tmp_path):
    for number in range(2):
        Client(server, tmp_path / f"s{number}", licence["licence_key"]).run("check")
    third = Client(server, tmp_path / "s3", licence["licence_key"]).run("check", check=4)
    assert third["code"] == "device_limit"
    wrong = Client(server, tmp_path / "s4", "SLW-00000-00000-00000-00000-00000-00000")
    assert wrong.run("check", check=2)["code"]


def test_pinned_publisher(server, client, package, tmp_path):
    publisher = package.parent / "publisher.pub"
    out = tmp_path / "out"
    done = client.run("download", "--output", out, "--publisher-key", publisher)
    assert done["signature"] == "verified"
    assert client.run("verify", out / package.name, "--publisher-key", publisher)["signature"] == \
        "verified"
    subprocess.run([slipway.SLIPWAY, "keygen", "--output", tmp_path / "other"], check=True,
                   capture_output=True)
    told = client.run("download", "--output", tmp_path / "out2", "--publisher-key",
                      tmp_path / "other.pub", check=4)
    assert told["code"] == "signature_unknown_key"
    assert not list((tmp_path / "out2").iterdir())
    with open(out / package.name, "r+b") as f:
        f.write(b"changed")
    assert client.run("verify", out / package.name, check=5)["code"] == "package_unknown"


def test_changed_licence_renews_by_itself(server, client, licence, tmp_path):
    assert client.run("check")["update"]
    server.cli("licence", "suspend", licence["id"])
    told = client.run("check")
    assert not told["update"] and told["policy"] in ("licence_suspended", "licence_required")
    assert client.run("download", "--output", tmp_path / "out", check=4)["code"] == told["policy"]
    server.cli("licence", "resume", licence["id"])
    assert client.run("check")["update"]
    assert client.run("download", "--output", tmp_path / "out")["verified"]


def test_revoked_device_stays_out(server, client, licence, tmp_path):
    client.run("check")
    device = server.cli("device", "list", "--licence", licence["id"])["items"][0]["id"]
    server.cli("device", "revoke", device)
    assert client.run("check", check=4)["code"] == "device_revoked"


def test_runs_side_by_side_share_one_device(server, client, licence, package, tmp_path):
    client.run("check")
    state = json.loads((client.state / "state.json").read_text())
    for device in state["devices"].values():
        device["access_expires"] = "2020-01-01T00:00:00Z"
    (client.state / "state.json").write_text(json.dumps(state))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda n: client.run("download", "--output", tmp_path / str(n)), range(4)))
    assert all(d["verified"] for d in done)
    assert len(server.cli("device", "list", "--licence", licence["id"])["items"]) == 1
    client.licence = None
    assert client.run("check")["update"]  # the session survived the race


def test_killed_while_it_talks_to_the_server(server, licence, tmp_path):
    """A kill at any point of activation or renewal never costs the licence a second device."""
    client = Client(server, tmp_path / "state", licence["licence_key"])
    for delay in (0.0, 0.01, 0.02, 0.03, 0.05, 0.08):
        running = client.start("check")
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(delay)
        running.kill()
        running.wait()
    assert client.run("check")["update"]
    assert len(server.cli("device", "list", "--licence", licence["id"])["items"]) == 1


def test_report_is_kept_until_the_server_can_be_told(server, client, package, tmp_path):
    out = tmp_path / "out"
    first = client.start("download", "--output", out, "--limit-rate", "1500k")
    part = wait_for_part(out, 500_000)
    first.kill()
    first.wait()
    download = json.loads((out / f"{part.name}.json").read_text())["download_id"]
    reports = client.state / "reports"
    reports.mkdir(mode=0o700, exist_ok=True)
    (reports / f"{download}.json").write_text(json.dumps(
        {"download_id": download, "status": "failure", "bytes": 1, "duration_ms": 2,
         "error": "gave up"}))
    client.run("download", "--output", tmp_path / "elsewhere")
    assert server.cli("download", "show", download)["error"] == "gave up"
    assert not list(reports.iterdir())
