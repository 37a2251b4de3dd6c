"""The data plane needs nobody: with the control plane, the tailer and the database stopped, update
checks are answered and holders of valid tokens download. When they come back, nothing is missing."""
import contextlib
import hashlib
import os
import signal
import subprocess

import pytest

import slipway


def processes(server, *names):
    """Ids of the server's processes with one of these names."""
    found = []
    for pid in slipway.descendants(server.process.pid):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() in names:
                    found.append(pid)
    return found


@contextlib.contextmanager
def stopped(pids):
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def database_processes(url):
    """The PostgreSQL processes that serve this database."""
    pids = subprocess.run(
        ["psql", "-At", "-d", url, "-c", "SELECT pid FROM pg_stat_activity "
         "WHERE datname = current_database() AND pid <> pg_backend_pid()"],
        capture_output=True, text=True, check=True).stdout.split()
    return [int(pid) for pid in pids]


@pytest.fixture(scope="module")
def package(server, tmp_path_factory):
    deb = slipway.make_deb(tmp_path_factory.mktemp("deb") / "demo_1.2.0_amd64.deb", version="1.2.0",
                           size=3_000_000)
    server.admin("POST", "/admin/products", {"name": "alone"}, status=201)
    published = server.publish(deb, "alone", "1.2.0")
    return {"id": published["packages"][0]["id"], "bytes": deb.read_bytes(),
            "sha256": hashlib.sha256(deb.read_bytes()).hexdigest()}


def grant(server, package):
    answer = server.api("POST", "/downloads/token", {"package_id": package["id"]}, status=200).json
    return answer, "/d/" + answer["url"].split("/d/", 1)[1]


def check(server):
    return server.api("GET", "/updates/check?product=alone&version=1.0.0&platform=linux-amd64", status=200)


def test_checks_and_downloads_go_on_while_everything_behind_nginx_hangs(server, database, package):
    granted, path = grant(server, package)
    behind = processes(server, "slipway-control", "slipway-tailer")
    assert len(behind) == 2
    with stopped(behind + (database_processes(database) if database != "sqlite" else [])):
        answer = check(server)
        assert answer.json["update"] and answer.json["package"]["sha256"] == package["sha256"]
        whole = server.request("GET", path)
        assert whole.status == 200 and whole.body == package["bytes"]
        part = server.request("GET", path, headers={"Range": "bytes=1000-1999"})
        assert part.status == 206 and part.body == package["bytes"][1000:2000]

    def recorded():
        record = server.admin("GET", f"/admin/downloads/{granted['download_id']}", status=200).json
        return record["bytes"] == len(package["bytes"]) and record["requests"] == 2

    slipway.wait_until(recorded, "the download to be recorded afterwards")


def test_a_dead_control_plane_is_said_so_while_the_data_plane_serves(server, package):
    _, path = grant(server, package)
    supervisor = [server.process.pid]
    with stopped(supervisor):  # so that nothing restarts what is killed
        for pid in processes(server, "slipway-control"):
            os.kill(pid, signal.SIGKILL)
        refused = server.api("POST", "/downloads/token", {"package_id": package["id"]})
        assert refused.status == 503 and refused.json["code"], refused
        assert check(server).json["update"]
        assert server.request("GET", path).body == package["bytes"]

    def back():
        return server.api("POST", "/downloads/token", {"package_id": package["id"]}).status == 200

    slipway.wait_until(back, "the control plane to be restarted")


def test_a_revoked_token_is_refused_at_once(server, package):
    granted, path = grant(server, package)
    assert server.request("GET", path, headers={"Range": "bytes=0-9"}).status == 206
    server.admin("DELETE", "/tokens/revoke", {"download_id": granted["download_id"]}, status=204)
    refused = server.request("GET", path, headers={"Range": "bytes=0-9"})
    assert refused.status in (401, 403) and refused.json["code"], refused


def test_the_token_is_in_no_log(server, package):
    granted, path = grant(server, package)
    token = granted["token"]
    for headers in ({}, {"Range": "bytes=9999999999-"}, {"If-None-Match": f'"{package["sha256"]}"'}):
        server.request("GET", path, headers=headers)
    server.request("GET", path + "x")
    server.request("POST", path)
    server.request("GET", f"/api/v1/nothing?token={token}")
    server.request("GET", "/d/" + token[:-3] + "AAA/demo.deb")
    slipway.wait_until(
        lambda: server.admin("GET", f"/admin/downloads/{granted['download_id']}").json["requests"],
        "the requests to be recorded")
    signature = token.rsplit(".", 1)[1]
    for log in [*(server.data / "log").iterdir(), server.log]:
        text = log.read_bytes().decode(errors="replace")
        assert token not in text and signature not in text, log
