"""Uploads by the tus project's own client: whole, in pieces, interrupted and resumed."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import pytest

import slipway

SOURCE = pathlib.Path(__file__).parent / "tus"


@pytest.fixture(scope="module")
def server():
    """One database: what is tested here does not get as far."""
    running = slipway.Server()
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="module")
def client():
    """The folder with tus-js-client, as the lock file has it."""
    folder = slipway.npm_folder("tus")
    if not folder:
        pytest.skip("tus-js-client cannot be installed")
    shutil.copy(SOURCE / "upload.mjs", folder)
    return folder


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "installer.run"
    path.write_bytes(b"#!/bin/sh\n" + os.urandom(5_000_000))
    return path


def start(server, client, file, **more):
    task = {"endpoint": f"{server.url}/api/v1/admin/uploads", "token": server.login(),
            "file": str(file), "name": file.name, **more}
    running = subprocess.Popen(["node", "upload.mjs"], cwd=client, text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE,
                               env={**os.environ, "NODE_EXTRA_CA_CERTS": str(server.ca)})
    running.stdin.write(json.dumps(task))
    running.stdin.close()
    return running


def send(server, client, file, **more):
    running = start(server, client, file, **more)
    lines = running.stdout.read().splitlines()
    assert running.wait(60) == 0
    return json.loads(lines[-1])


def interrupt(server, client, file, **more):
    """Kills the client in the middle; gives the upload's URL."""
    with file.open("ab") as big:  # long enough to be in the middle of it
        big.truncate(150_000_000)
    running = start(server, client, file, **more)
    url = json.loads(running.stdout.readline())["url"]
    slipway.wait_until(lambda: offset_of(server, url) > 2_000_000, "something to arrive")
    running.kill()
    running.wait(20)
    assert offset_of(server, url) < file.stat().st_size
    return url


def offset_of(server, url):
    answer = server.request("HEAD", url.removeprefix(server.url), token=server.login(),
                            headers={"Tus-Resumable": "1.0.0"})
    assert answer.status == 200
    return int(answer.headers["Upload-Offset"])


def assert_arrived(server, result, file):
    shown = server.admin("GET", f"/admin/uploads/{result['url'].rsplit('/', 1)[1]}", status=200).json
    assert shown["finished"] and shown["filename"] == file.name
    assert shown["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_whole(server, client, file):
    result = send(server, client, file)
    assert result.get("success"), result
    assert result["requests"] == ["POST", "PATCH"]
    assert_arrived(server, result, file)


def test_pieces(server, client, file):
    result = send(server, client, file, chunkSize=1_000_000)
    assert result.get("success"), result
    assert result["requests"].count("PATCH") == 6
    assert_arrived(server, result, file)


def test_bytes_with_the_creation(server, client, file):
    result = send(server, client, file, withData=True, chunkSize=2_000_000)
    assert result.get("success"), result
    assert result["requests"][0] == "POST" and result["requests"].count("PATCH") == 2
    assert_arrived(server, result, file)


@pytest.mark.parametrize("chunk", [None, 20_000_000])
def test_interrupted(server, client, file, chunk):
    more = {"chunkSize": chunk} if chunk else {}
    url = interrupt(server, client, file, **more)
    result = send(server, client, file, uploadUrl=url, **more)
    assert result.get("success"), result
    assert result["requests"][0] == "HEAD" and "POST" not in result["requests"]
    assert result["url"] == url
    assert_arrived(server, result, file)


def test_interrupted_by_a_crash_of_the_server(server, client, file):
    url = interrupt(server, client, file)
    server.kill()
    server.start()
    result = send(server, client, file, uploadUrl=url)
    assert result.get("success"), result
    assert_arrived(server, result, file)


def test_refused(server, client, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html></html>")
    result = send(server, client, page)
    assert result["status"] == 400 and "error" in result
