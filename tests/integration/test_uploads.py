"""Uploads: the tus protocol by hand, whole files by PUT, everything that can go wrong on the way."""
import base64
import hashlib
import os
import pathlib
import socket
import ssl
import threading

import pytest

import slipway

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
SCRIPT = b"#!/bin/sh\necho installed\n"


def metadata(**pairs):
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in pairs.items())


def create(server, length, filename="demo.run", token=None, status=201, **more):
    headers = {**TUS, "Upload-Length": str(length),
               "Upload-Metadata": metadata(filename=filename, **more)}
    return server.api("POST", "/admin/uploads", headers=headers, token=token or server.login(),
                      status=status)


def at(answer):
    """The path of a new upload, without /api/v1."""
    return answer.headers["Location"].removeprefix("/api/v1")


def patch(server, path, offset, data, token=None, status=204, **headers):
    return server.api("PATCH", path, data, token=token or server.login(), status=status,
                      headers={**BYTES, "Upload-Offset": str(offset), **headers})


def offset_of(server, path):
    answer = server.api("HEAD", path, token=server.login(), headers=TUS, status=200)
    return int(answer.headers["Upload-Offset"])


@pytest.fixture(scope="module")
def server(database):
    """As everywhere, but the limit of requests is not what is tested here."""
    running = slipway.Server(database, settings=["limit.api=100000"])
    try:
        yield running.start()
    finally:
        running.close()


def area(server):
    """What lies in the upload area."""
    return {f.name for f in (server.data / "uploads").iterdir()}


@pytest.fixture(scope="module")
def other(server):
    """A second administrator: not the one the uploads belong to."""
    server.admin("POST", "/admin/accounts", {"email": "other@example.com", "role": "admin",
                                             "password": "another long password"}, status=201)
    return server.login("other@example.com", "another long password")


def test_options(server):
    answer = server.api("OPTIONS", "/admin/uploads", status=204)
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "termination", "checksum", "expiration"}
    assert int(answer.headers["Tus-Max-Size"]) == 8 << 30
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")


@pytest.mark.parametrize("headers", [{}, {"Tus-Resumable": "0.2.2"}])
def test_version(server, headers):
    answer = server.api("POST", "/admin/uploads", token=server.login(), status=412,
                        headers={"Upload-Length": "5", **headers})
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.json["code"] == "tus_version"


def test_nobody_uploads_without_permission(server):
    server.admin("POST", "/admin/accounts", {"email": "user@example.com", "role": "user",
                                             "password": "a users long password"}, status=201)
    user = server.login("user@example.com", "a users long password")
    assert server.api("PUT", "/admin/uploads/a.run", SCRIPT, status=401)
    assert server.api("PUT", "/admin/uploads/a.run", SCRIPT, token=user, status=403)
    assert create(server, 5, token=user, status=403)


@pytest.mark.parametrize("headers, code", [
    ({"Upload-Length": "-1"}, "invalid_header"),
    ({"Upload-Length": "5x"}, "invalid_header"),
    ({}, "invalid_header"),
    ({"Upload-Length": "99999999999999999999"}, "invalid_header"),
    ({"Upload-Length": "5", "Upload-Defer-Length": "1"}, "length_missing"),
    ({"Upload-Length": "5"}, "invalid_filename"),
    ({"Upload-Length": "5", "Upload-Metadata": "filename %%%"}, "invalid_header"),
    ({"Upload-Length": "5", "Upload-Metadata": metadata(filename="../../etc/passwd")},
     "invalid_filename"),
    ({"Upload-Length": "5", "Upload-Metadata": metadata(filename="a/b")}, "invalid_filename"),
    ({"Upload-Length": "5", "Upload-Metadata": metadata(filename="a\nb")}, "invalid_filename"),
    ({"Upload-Length": "5", "Upload-Metadata": metadata(filename=".hidden")}, "invalid_filename"),
    ({"Upload-Length": "5", "Upload-Metadata": metadata(filename="a", sha256="ABC")},
     "invalid_digest"),
    ({"Upload-Length": "0", "Upload-Metadata": metadata(filename="a")}, "upload_empty"),
])
def test_bad_creation(server, headers, code):
    answer = server.api("POST", "/admin/uploads", token=server.login(), headers={**TUS, **headers},
                        status=400)
    assert answer.json["code"] == code
    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_too_large(server):
    assert create(server, (8 << 30) + 1, status=413).json["code"] == "upload_too_large"


def test_no_room(server):
    """More than the disk has, less than the limit: refused before a byte is sent."""
    free = os.statvfs(server.data).f_bavail * os.statvfs(server.data).f_frsize
    if free > 8 << 30:
        pytest.skip("the disk has room for the largest package there is")
    assert create(server, free, status=507).json["code"] == "no_space"


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "a%2Fb", "a%00b", ".profile", "a%0Ab", "%2e%2e"])
def test_bad_names_of_whole_files(server, name):
    answer = server.api("PUT", f"/admin/uploads/{name}", SCRIPT, token=server.login())
    assert answer.status in (400, 404), answer


def test_pieces(server):
    data = SCRIPT + os.urandom(300_000)
    path = at(create(server, len(data)))
    assert offset_of(server, path) == 0
    answer = patch(server, path, 0, data[:100_000])
    assert answer.headers["Upload-Offset"] == "100000"
    assert "Upload-Expires" in answer.headers
    wrong = patch(server, path, 99_999, data[99_999:], status=409)
    assert wrong.json["code"] == "offset_mismatch"
    patch(server, path, 200_000, b"x", status=409)
    assert offset_of(server, path) == 100_000
    shown = server.admin("GET", path, status=200).json
    assert shown["offset"] == 100_000 and not shown["finished"] and shown["sha256"] is None
    answer = patch(server, path, 100_000, data[100_000:])
    assert answer.headers["Upload-Offset"] == str(len(data))
    shown = server.admin("GET", path, status=200).json
    assert shown["finished"] and shown["format"] == "run"
    assert shown["sha256"] == hashlib.sha256(data).hexdigest() and shown["size"] == len(data)
    # Finished is finished.
    assert patch(server, path, len(data), b"x", status=409).json["code"] == "upload_finished"
    assert offset_of(server, path) == len(data)


def test_content_type(server):
    path = at(create(server, 5))
    answer = server.api("PATCH", path, b"hello", token=server.login(), status=415,
                        headers={**TUS, "Upload-Offset": "0", "Content-Type": "text/plain"})
    assert answer.json["code"] == "content_type"
    assert offset_of(server, path) == 0


def test_more_than_announced(server):
    path = at(create(server, 10))
    answer = patch(server, path, 0, SCRIPT, status=413)
    assert answer.json["code"] == "upload_too_large"
    assert offset_of(server, path) == 0


def test_creation_with_upload(server):
    data = SCRIPT + b"with its bytes"
    headers = {**BYTES, "Upload-Length": str(len(data)), "Upload-Metadata": metadata(filename="a.run")}
    answer = server.api("POST", "/admin/uploads", data[:20], token=server.login(), headers=headers,
                        status=201)
    assert answer.headers["Upload-Offset"] == "20"
    patch(server, at(answer), 20, data[20:])
    assert server.admin("GET", at(answer), status=200).json["finished"]
    # Bytes without their content type are not taken.
    headers["Content-Type"] = "text/plain"
    server.api("POST", "/admin/uploads", data, token=server.login(), headers=headers, status=400)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_checksum(server, algorithm):
    data = SCRIPT + b"summed " * 10

    def sum_of(piece):
        return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, piece).digest()).decode()}"

    path = at(create(server, len(data)))
    answer = patch(server, path, 0, data[:50], status=460, **{"Upload-Checksum": sum_of(b"other")})
    assert answer.json["code"] == "checksum_mismatch"
    assert offset_of(server, path) == 0
    patch(server, path, 0, data[:50], status=400, **{"Upload-Checksum": "crc32 AAAA"})
    patch(server, path, 0, data[:50], status=400, **{"Upload-Checksum": "sha1"})
    patch(server, path, 0, data[:50], **{"Upload-Checksum": sum_of(data[:50])})
    patch(server, path, 50, data[50:], **{"Upload-Checksum": sum_of(data[50:])})
    assert server.admin("GET", path, status=200).json["sha256"] == hashlib.sha256(data).hexdigest()


def test_wrong_digest(server):
    data = SCRIPT + b"digest"
    right, wrong = hashlib.sha256(data).hexdigest(), hashlib.sha256(b"other").hexdigest()
    path = at(create(server, len(data), sha256=wrong))
    assert patch(server, path, 0, data, status=400).json["code"] == "digest_mismatch"
    server.admin("GET", path, status=404)  # it is gone, with its bytes
    path = at(create(server, len(data), sha256=right))
    patch(server, path, 0, data)


@pytest.mark.parametrize("data, code", [
    (b"<html>not a package</html>", "unknown_format"),
    (b"\x7fELF", "inspection_failed"),
    (b"!<arch>\ndebian-binary   ", "inspection_failed"),
    (b"\xed\xab\xee\xdb" + bytes(200), "inspection_failed"),
    (b"\x1f\x8b" + bytes(100), "inspection_failed"),
])
def test_wrong_type(server, data, code):
    before = area(server)
    answer = server.api("PUT", "/admin/uploads/a.deb", data, token=server.login(), status=400)
    assert answer.json["code"] == code
    path = at(create(server, len(data)))
    assert patch(server, path, 0, data, status=400).json["code"] == code
    server.admin("GET", path, status=404)
    assert area(server) == before


def test_termination(server):
    path = at(create(server, 100))
    patch(server, path, 0, b"#!")
    server.api("DELETE", path, token=server.login(), headers=TUS, status=204)
    server.api("HEAD", path, token=server.login(), headers=TUS, status=404)
    server.api("DELETE", path, token=server.login(), headers=TUS, status=404)


def test_uploads_of_others_do_not_exist(server, other):
    path = at(create(server, 100))
    assert server.api("GET", path, token=other, status=404)
    assert server.api("HEAD", path, token=other, headers=TUS, status=404)
    assert server.api("DELETE", path, token=other, headers=TUS, status=404)
    patch(server, path, 0, b"#!", token=other, status=404)
    assert offset_of(server, path) == 0


def test_whole_file(server):
    data = SCRIPT + os.urandom(200_000)
    sha256 = hashlib.sha256(data)
    digest = f"sha-256=:{base64.b64encode(sha256.digest()).decode()}:"
    answer = server.api("PUT", "/admin/uploads/whole.run", data, token=server.login(), status=201,
                        headers={"Repr-Digest": digest})
    assert answer.json["sha256"] == sha256.hexdigest() and answer.json["filename"] == "whole.run"
    assert answer.json["id"].startswith("upl_") and answer.json["size"] == len(data)
    answer = server.api("PUT", "/admin/uploads/whole.run", data + b"x", token=server.login(),
                        status=400, headers={"Repr-Digest": digest})
    assert answer.json["code"] == "digest_mismatch"
    server.api("PUT", "/admin/uploads/whole.run", data, token=server.login(), status=400,
               headers={"Repr-Digest": "sha-256=nonsense"})
    server.api("PUT", "/admin/uploads/whole.run", b"", token=server.login(), status=400)


def test_stored_by_content(server):
    """The same bytes twice are one file, readable for the data plane and for nobody's writing."""
    data = SCRIPT + b"stored once"
    before = area(server)
    sha256 = hashlib.sha256(data).hexdigest()
    for name in ("one.run", "two.run"):
        server.api("PUT", f"/admin/uploads/{name}", data, token=server.login(), status=201)
    blob = server.data / "blobs" / sha256[:2] / sha256[2:4] / sha256
    assert blob.read_bytes() == data
    assert blob.stat().st_mode & 0o7777 == 0o440
    assert blob.stat().st_gid == (server.data / "blobs").stat().st_gid
    assert area(server) == before


def raw(server):
    context = ssl.create_default_context(cafile=str(server.ca))
    plain = socket.create_connection(("127.0.0.1", server.https), timeout=20)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def send_head(server, connection, method, path, length, **headers):
    head = "".join(f"{k}: {v}\r\n" for k, v in {
        "Host": f"127.0.0.1:{server.https}", "Authorization": f"Bearer {server.login()}",
        "Content-Length": length, **headers}.items())
    connection.sendall(f"{method} /api/v1{path} HTTP/1.1\r\n{head}\r\n".encode())


def test_cut_keeps_what_arrived(server):
    data = SCRIPT + os.urandom(2_000_000)
    path = at(create(server, len(data)))
    with raw(server) as connection:
        send_head(server, connection, "PATCH", path, len(data), **BYTES, **{"Upload-Offset": 0})
        connection.sendall(data[:1_500_000])
        slipway.wait_until(lambda: offset_of(server, path) > 0, "the first bytes on disk")
    arrived = slipway.wait_until(lambda: try_to_go_on(server, path, data), "the rest to be taken")
    assert 0 < arrived < len(data)
    shown = server.admin("GET", path, status=200).json
    assert shown["finished"] and shown["sha256"] == hashlib.sha256(data).hexdigest()


def try_to_go_on(server, path, data):
    """As a client does: ask, send the rest. The cut request may still hold the upload (423), or
    have moved on since (409)."""
    offset = offset_of(server, path)
    answer = patch(server, path, offset, data[offset:], status=None)
    assert answer.status in (204, 409, 423), answer
    return offset if answer.status == 204 else None


def test_cut_with_checksum_keeps_nothing(server):
    """What was cut cannot be held against its checksum."""
    data = SCRIPT + os.urandom(2_000_000)
    path = at(create(server, len(data)))
    checksum = f"sha256 {base64.b64encode(hashlib.sha256(data).digest()).decode()}"
    with raw(server) as connection:
        send_head(server, connection, "PATCH", path, len(data), **BYTES,
                  **{"Upload-Offset": 0, "Upload-Checksum": checksum})
        connection.sendall(data[:1_500_000])
        slipway.wait_until(lambda: offset_of(server, path) > 0, "the first bytes on disk")
    slipway.wait_until(lambda: offset_of(server, path) == 0, "the unsummed bytes to be dropped")


def test_cut_whole_file_leaves_nothing(server):
    before = area(server)
    with raw(server) as connection:
        send_head(server, connection, "PUT", "/admin/uploads/cut.run", 1_000_000)
        connection.sendall(SCRIPT)
        slipway.wait_until(lambda: area(server) != before, "the upload to begin")
    slipway.wait_until(lambda: area(server) == before, "it to be dropped")


def test_one_writer_at_a_time(server):
    data = SCRIPT + os.urandom(100_000)
    path = at(create(server, len(data)))
    with raw(server) as first:
        send_head(server, first, "PATCH", path, len(data), **BYTES, **{"Upload-Offset": 0})
        first.sendall(data[:1000])
        slipway.wait_until(lambda: offset_of(server, path) == 1000, "the first request to write")
        second = patch(server, path, 1000, data[1000:], status=423)
        assert second.json["code"] == "upload_locked"
        server.api("DELETE", path, token=server.login(), headers=TUS, status=409)
        first.sendall(data[1000:])
        assert b" 204 " in first.recv(4096).split(b"\r\n")[0]
    assert server.admin("GET", path, status=200).json["sha256"] == hashlib.sha256(data).hexdigest()


def test_slots(server):
    """Eight at once (upload.slots); the ninth is told to come back."""
    open_connections = []
    try:
        for _ in range(8):
            path = at(create(server, 1000))
            connection = raw(server)
            open_connections.append(connection)
            send_head(server, connection, "PATCH", path, 1000, **BYTES, **{"Upload-Offset": 0})
            connection.sendall(b"#!")
            slipway.wait_until(lambda: offset_of(server, path) == 2, "the upload to begin")
        path = at(create(server, 1000))
        answer = patch(server, path, 0, b"#!", status=503)
        assert answer.json["code"] == "upload_slots" and int(answer.headers["Retry-After"]) > 0
        # Everything else still answers.
        server.admin("GET", path, status=200)
    finally:
        for connection in open_connections:
            connection.close()
    slipway.wait_until(lambda: patch(server, path, 0, b"#!", status=None).status == 204,
                       "a slot to be free")


@pytest.mark.parametrize("line", [
    "GET /api/v1/admin/uploads/upl_x", "OPTIONS /api/v1/admin/uploads", "POST /api/v1/admin/uploadsX",
    "POST /api/v1/./admin/uploads", "PUT /api/v1/admin/uploads/demo.run", "DELETE /api/v1/admin/uploads/upl_x"])
@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Content-Length: 1000"])
def test_nobody_holds_the_places_with_a_body_that_never_ends(server, line, framing):
    """More such requests than there are places, from somebody without credentials."""
    context = ssl.create_default_context(cafile=str(server.ca))
    context.check_hostname = False
    held = []
    try:
        for _ in range(16):
            sock = context.wrap_socket(socket.create_connection(("127.0.0.1", server.https), 10))
            held.append(sock)
            sock.sendall(f"{line} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n".encode())
        # Answered without waiting for the rest, so that the places are free again.
        assert all(sock.recv(9) == b"HTTP/1.1 " for sock in held)
        server.api("OPTIONS", "/admin/uploads", status=204)
    finally:
        for sock in held:
            sock.close()


def test_restart_in_the_middle(server):
    """The offset after kill -9 is what is there; the digest is computed again."""
    data = SCRIPT + os.urandom(3_000_000)
    path = at(create(server, len(data)))
    patch(server, path, 0, data[:1_000_000])
    with raw(server) as connection:
        send_head(server, connection, "PATCH", path, len(data) - 1_000_000, **BYTES,
                  **{"Upload-Offset": 1_000_000})
        connection.sendall(data[1_000_000:2_000_000])
        slipway.wait_until(lambda: offset_of(server, path) > 1_000_000, "the first bytes on disk")
        server.kill()
    server.start()
    offset = offset_of(server, path)
    assert 1_000_000 < offset <= 2_000_000
    patch(server, path, offset, data[offset:])
    assert server.admin("GET", path, status=200).json["sha256"] == hashlib.sha256(data).hexdigest()


def test_many_at_once(server):
    """Different uploads do not get into each other's way; the same bytes from several hands neither."""
    same = SCRIPT + os.urandom(400_000)
    bodies = [same, same, same, SCRIPT + os.urandom(400_000), SCRIPT + os.urandom(10)]
    answers = [None] * len(bodies)
    token = server.login()

    def send(i):
        answers[i] = server.api("PUT", f"/admin/uploads/many-{i}.run", bodies[i], token=token)

    threads = [threading.Thread(target=send, args=(i,)) for i in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for body, answer in zip(bodies, answers):
        assert answer.status == 201, answer
        assert answer.json["sha256"] == hashlib.sha256(body).hexdigest()


def control_memory(server):
    """Bytes of memory of the control plane that are its own."""
    for pid in slipway.descendants(server.process.pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "slipway-control":
            return int(status.split("RssAnon:")[1].split()[0]) * 1024
    raise AssertionError("no control plane")


def test_memory(server):
    """Bytes go through, they are not kept: the size of a file costs nothing."""
    size, block = 100_000_000, bytes(1_000_000)
    server.login()
    before = control_memory(server)
    with raw(server) as connection:
        send_head(server, connection, "PUT", "/admin/uploads/large.run", size)
        connection.sendall(b"#!/bin/sh\n" + block[10:])
        most = 0
        for _ in range(size // len(block) - 1):
            connection.sendall(block)
            most = max(most, control_memory(server))
        assert b" 201 " in connection.recv(65536).split(b"\r\n")[0]
    assert most - before < 4_000_000
