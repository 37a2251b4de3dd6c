"""Downloads opened by tokens and sent by nginx."""
import email
import hashlib
import os
import socket
import struct
import time
from urllib.parse import quote

import pytest

from edge import EDGE, SERVER, Edge
from slipway import wait_until
from test_edge_check import assert_problem

DATA = bytes(range(256)) * 40
BIG = os.urandom(1 << 20) * 24


@pytest.fixture(scope="module")
def edge():
    running = Edge(server=SERVER.replace("slipway_download;", "slipway_download; etag off;"))
    try:
        running.product()
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="module")
def file(edge):
    """A file, a token for it, and where the token opens it."""
    digest = edge.blob(DATA)
    return digest, (token := edge.download_token(digest, "vpn.deb")), f"/d/{token}/vpn.deb"


def multipart(answer):
    message = email.message_from_bytes(
        b"Content-Type: " + answer.headers["Content-Type"].encode() + b"\r\n\r\n" + answer.body)
    return [(part["Content-Range"], part.get_payload(decode=True)) for part in message.get_payload()]


# what is sent


def test_whole(edge, file):
    digest, token, url = file
    for answer in (edge.get(url), edge.get("/d/vpn.deb", token=token), edge.get(f"/d/vpn.deb?token={token}"),
                   edge.get(f"/d/any/path/vpn.deb", token=token), edge.get(url, token=token),
                   edge.get(f"{url}?token={token}&x=1")):
        assert answer.status == 200, answer
        assert answer.body == DATA
        headers = {k: v for k, v in answer.headers.items()
                   if k not in ("Server", "Date", "Last-Modified", "X-Request-Id")}
        assert headers == {
            "Content-Type": "application/octet-stream", "Content-Length": str(len(DATA)),
            "Connection": "keep-alive", "ETag": f'"{digest}"', "Accept-Ranges": "bytes",
            "Content-Disposition": 'attachment; filename="vpn.deb"',
            "X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=0",
            "Content-Security-Policy": "default-src 'none'; sandbox"}


def test_head(edge, file):
    whole, head = edge.get(file[2]), edge.get(file[2], method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(DATA))
    assert head.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods(edge, file, method):
    answer = edge.get(file[2], method=method, body=b"x")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("header,first,last", [
    ("bytes=0-0", 0, 0), ("bytes=0-99", 0, 99), ("bytes=10239-", 10239, 10239), ("bytes=-1", 10239, 10239),
    ("bytes=-99999", 0, 10239), ("bytes=100-99999", 100, 10239), ("Bytes= 5 - 7", 5, 7),
])
def test_range(edge, file, header, first, last):
    answer = edge.get(file[2], headers={"Range": header})
    assert answer.status == 206, answer
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(DATA)}"
    assert answer.body == DATA[first:last + 1]
    edge.fact(kind="download", status=206, range=f"{first}-{last}", sent=last - first + 1)


def test_multipart(edge, file):
    answer = edge.get(file[2], headers={"Range": "bytes=0-9, 200-299,-5,99999-"})
    assert answer.status == 206
    assert multipart(answer) == [(f"bytes 0-9/{len(DATA)}", DATA[:10]),
                                 (f"bytes 200-299/{len(DATA)}", DATA[200:300]),
                                 (f"bytes {len(DATA) - 5}-{len(DATA) - 1}/{len(DATA)}", DATA[-5:])]
    edge.fact(range="0-9,200-299,10235-10239", size=str(len(DATA)))


@pytest.mark.parametrize("header", ["bytes=20000-", "bytes=a-b", "bytes=5-2"])
def test_unsatisfiable(edge, file, header):
    answer = edge.get(file[2], headers={"Range": header})
    assert answer.status == 416, answer
    assert answer.headers["Content-Range"] == f"bytes */{len(DATA)}"


def test_many_ranges_get_the_whole(edge, file):
    def get(n):
        ranges = ",".join(f"{i * 10}-{i * 10 + 1}" for i in range(n))
        return edge.get(file[2], headers={"Range": f"bytes={ranges}"})
    assert get(8).status == 206
    answer = get(9)
    assert (answer.status, answer.body) == (200, DATA)
    overlapping = edge.get(file[2], headers={"Range": "bytes=0-,0-,0-"})
    assert (overlapping.status, overlapping.body) == (200, DATA)


def test_conditions(edge, file):
    etag = f'"{file[0]}"'
    modified = edge.get(file[2]).headers["Last-Modified"]
    def get(**headers):
        return edge.get(file[2], headers={k.replace("_", "-"): v for k, v in headers.items()})
    assert get(If_None_Match=etag).status == 304
    assert get(If_None_Match=f'W/{etag}').status == 304
    assert get(If_None_Match='"other"').status == 200
    assert get(If_Modified_Since=modified).status == 304
    assert get(If_Match=etag).status == 200
    assert get(If_Match='"other"').status == 412
    assert get(Range="bytes=0-9", If_Range=etag).status == 206
    assert get(Range="bytes=0-9", If_Range='"other"').body == DATA
    assert get(Range="bytes=0-9", If_Range=f"W/{etag}").body == DATA
    assert get(Range="bytes=0-9", If_Range=modified).status == 206
    for status in (304, 412):
        assert edge.fact(kind="download", status=status)["range"] == ""


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_tls(edge, version, tmp_path):
    digest = edge.blob(BIG)
    token = edge.download_token(digest, "big.bin")
    url = f"https://127.0.0.1:{edge.tls_port}/d/{token}/big.bin"
    for options in (("-o", tmp_path / "path", url),
                    ("-o", tmp_path / "bearer", "-H", f"Authorization: Bearer {token}",
                     f"https://127.0.0.1:{edge.tls_port}/d/big.bin"),
                    ("-o", tmp_path / "query", f"https://127.0.0.1:{edge.tls_port}/d/big.bin?token={token}")):
        done = edge.curl(version, "-f", *options)
        assert done.returncode == 0, done
        assert hashlib.sha256(options[1].read_bytes()).hexdigest() == digest
    (tmp_path / "part").write_bytes(BIG[:1000001])
    done = edge.curl(version, "-f", "-C", "-", "-o", tmp_path / "part", url)
    assert done.returncode == 0 and (tmp_path / "part").read_bytes() == BIG
    edge.fact(status=206, range=f"1000001-{len(BIG) - 1}")


def test_empty_file(edge):
    digest = edge.blob(b"")
    answer = edge.get(f"/d/{edge.download_token(digest, 'empty')}/empty")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")
    assert edge.fact(kind="download", size="0")["range"] == ""


def test_aborted_transfer(edge):
    digest = edge.blob(BIG)
    token = edge.download_token(digest, "cut.bin", jti="jti_cut")
    with socket.create_connection(("127.0.0.1", edge.http_port)) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(f"GET /d/{token}/cut.bin HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert len(s.recv(4096)) > 0
    line = edge.fact(jti="jti_cut")
    assert line["complete"] == "" and line["sent"] < len(BIG)
    assert (line["size"], line["range"]) == (str(len(BIG)), f"0-{len(BIG) - 1}")


# names


@pytest.mark.parametrize("name,path", [
    ("a b.deb", "a%20b.deb"), ("a+b.deb", "a+b.deb"), ("a+b.deb", "a%2Bb.deb"), ("100%.deb", "100%25.deb"),
    ("a;b,c.deb", "a;b,c.deb"), ("vpn.deb", "%76pn.deb"), ("a#b.deb", "a%23b.deb"), ("what?.deb", "what%3F.deb"),
    ("a&b=c.deb", "a&b=c.deb"), ("(1).deb", "(1).deb"), ("it's.deb", "it's.deb"),
])
def test_file_names(edge, name, path):
    token = edge.download_token(edge.blob(DATA), name)
    answer = edge.get(f"/d/{token}/{path}")
    assert answer.status == 200, answer
    disposition = answer.headers["Content-Disposition"]
    if "%" in name:
        assert disposition == "attachment; filename=\"100_.deb\"; filename*=UTF-8''100%25.deb"
    else:
        assert disposition == f'attachment; filename="{name}"'


def test_unicode_names_of_a_release(edge):
    digest = edge.blob(DATA)
    for name in ("Füße “1”.deb", 'q"\\.deb', "日本.rpm"):
        edge.apply({"type": "file", "release": "rel_u", "name": name, "sha256": digest,
                    "package": "pkg_u", "size": len(DATA)})
        answer = edge.get(f"/d/{edge.token('download', release='rel_u')}/{quote(name)}")
        assert answer.status == 200, answer
        plain = "".join(c if " " <= c <= "~" and c not in '"\\' else "_" * len(c.encode()) for c in name)
        assert answer.headers["Content-Disposition"] == \
            f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    assert edge.fact(package="pkg_u")["kind"] == "download"


@pytest.mark.parametrize("path", [
    "other.deb", "VPN.deb", "vpn.deb/", "vpn.deb/x", "x/vpn.deb", "x%2Fvpn.deb", "vpn.deb%00", "vpn.deb%20",
    "..%2Fvpn.deb", "%2e%2e%2fvpn.deb", "vpn.deb.", "vpn%2edeb/..%2f..%2fx",
])
def test_other_paths_are_refused(edge, file, path):
    answer = edge.raw(f"GET /d/{file[1]}/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] in (b"400", b"401", b"403", b"404"), answer
    assert DATA[:20] not in answer


@pytest.mark.parametrize("path", ["/x/../d/{}/vpn.deb", "//d/{}/vpn.deb", "/d/./{}/vpn.deb", "/d//{}//vpn.deb",
                                  "/%64/{}/vpn.deb", "/d/{}/x/../vpn.deb", "http://x/d/{}/vpn.deb"])
def test_paths_nginx_normalises(edge, file, path):
    answer = edge.raw(f"GET {path.format(file[1])} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] == b"200", answer[:300]
    assert answer.endswith(DATA)


# who may


def test_without_a_token(edge):
    for path in ("/d/vpn.deb", "/d/x/y/vpn.deb?x=1", "/d/", "/d/vpn.deb?token="):
        answer = edge.get(path)
        if path.startswith("/d/x"):  # the first of several segments is a token, and no good one
            assert_problem(answer, 401, "invalid_token")
        else:
            assert_problem(answer, 401, "authentication_required")
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="slipway"'


def test_tokens_that_are_not_good(edge, file):
    digest = file[0]
    now = int(time.time())
    head, payload, signature = file[1].split(".")
    def token(**more):
        return edge.download_token(digest, "vpn.deb", **more)
    cases = [
        (401, "wrong_token_kind", edge.token("access")),
        (401, "wrong_token_kind", edge.token("device")),
        (401, "token_expired", token(iat=now - 900, exp=now - 31)),
        (401, "token_not_yet_valid", token(nbf=now + 600)),
        (401, "token_not_yet_valid", token(iat=now + 600, exp=now + 900)),
        (401, "wrong_audience", token(aud="other-edges")),
        (401, "wrong_audience", token(iss="https://elsewhere.example")),
        (401, "invalid_token", token(key=edge.key("device"))),
        (401, "invalid_token", token(kid="download-9")),
        (401, "invalid_token", f"{head}.{payload}.{signature[::-1]}"),
        (401, "invalid_token", f"{head}.{payload}"),
        (401, "invalid_token", f"{head}.{payload}.{signature}A"),
        (401, "invalid_token", "eyJhbGciOiJub25lIn0." + payload + "."),
        (403, "wrong_edge", token(edge="edge-2")),
        (403, "wrong_network", token(ip_prefix="10.0.0.0/8")),
        (403, "wrong_network", token(ip_prefix="2001:db8::/32")),
        (403, "wrong_network", token(ip_prefix="nonsense")),
        (403, "wrong_file", edge.download_token(digest, "other.deb")),
        (404, "not_found", edge.token("download", release="rel_1")),
    ]
    for status, code, bad in cases:
        for ask in ({"path": f"/d/{bad}/vpn.deb"}, {"path": "/d/vpn.deb", "token": bad},
                    {"path": f"/d/vpn.deb?token={bad}"}, {"path": f"/d/{bad}/vpn.deb", "method": "HEAD"}):
            answer = edge.get(**ask)
            if ask.get("method") == "HEAD":
                assert (answer.status, answer.body) == (status, b"")
            else:
                assert_problem(answer, status, code)


def test_tokens_with_conditions_that_hold(edge, file):
    for more in ({"edge": EDGE}, {"ip_prefix": "127.0.0.0/8"}, {"ip_prefix": "127.0.0.1/32"},
                 {"nbf": int(time.time()) - 5}, {"rate_class": "gold"}):
        token = edge.download_token(file[0], "vpn.deb", **more)
        assert edge.get(f"/d/{token}/vpn.deb").status == 200, more


def test_several_tokens(edge, file):
    other = edge.download_token(file[0], "vpn.deb")
    assert_problem(edge.get(file[2], token=other), 400, "several_tokens")
    assert_problem(edge.get(f"{file[2]}?token={other}"), 400, "several_tokens")
    assert_problem(edge.get(f"/d/vpn.deb?token={file[1]}", token=other), 400, "several_tokens")


def test_plaintext(edge, file):
    port = edge.plain_port
    for answer in (edge.get(file[2], port=port), edge.get(f"/d/vpn.deb?token={file[1]}", port=port),
                   edge.get("/d/vpn.deb", token=file[1], port=port), edge.get(f"/x?token={file[1]}", port=port)):
        assert_problem(answer, 403, "plaintext_refused")


def test_misplaced_handler(edge, file):
    assert_problem(edge.get("/misplaced", token=file[1]), 404, "not_found")


def test_release_tokens(edge):
    files = {f"part {i}.bin": os.urandom(100 + i) for i in range(3)}
    edge.apply(*({"type": "file", "release": "rel_set", "name": name, "sha256": edge.blob(data),
                  "package": f"pkg_{name}", "size": len(data)} for name, data in files.items()))
    token = edge.token("download", release="rel_set")
    for name, data in files.items():
        answer = edge.get(f"/d/{token}/{quote(name)}")
        assert (answer.status, answer.body) == (200, data)
        assert answer.headers["ETag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    assert_problem(edge.get(f"/d/{token}/part%209.bin"), 404, "not_found")
    assert_problem(edge.get(f"/d/{token}/"), 404, "not_found")
    assert_problem(edge.get(f"/d/{token}"), 404, "not_found")


# what changes under a token


def test_revocation_is_seen_at_once(edge, file):
    def opened(token):
        return edge.get(f"/d/{token}/vpn.deb", headers={"Range": "bytes=0-9"})
    for change, code, status, more in (
            ({"type": "revoked", "jti": "jti_r", "expires": 0}, "token_revoked", 401, {"jti": "jti_r"}),
            ({"type": "epoch", "subject": "dev_9", "epoch": 3}, "credentials_stale", 401,
             {"epoch_subject": "dev_9", "subject_epoch": 2}),
            ({"type": "global_epoch", "epoch": 8}, "credentials_stale", 401, {"global_epoch": 7}),
            ({"type": "blocked", "sha256": file[0], "reason": "recall"}, "package_blocked", 403, {}),
            ({"type": "key", "kind": "download", "kid": "download-1", "pem": str(edge.key("download"))},
             "invalid_token", 401, {})):
        token = edge.download_token(file[0], "vpn.deb", **({"global_epoch": 9} | more))
        assert [opened(token).status for _ in range(3)] == [206] * 3
        is_key = change["type"] == "key"
        edge.apply(change | {"deleted": is_key})
        try:
            for _ in range(2):
                assert_problem(opened(token), status, code)
        finally:
            edge.apply(change | {"deleted": not is_key})
        assert opened(token).status == 206


def test_epoch_that_is_not_ours(edge, file):
    edge.apply({"type": "epoch", "subject": "dev_other", "epoch": 99})
    token = edge.download_token(file[0], "vpn.deb", epoch_subject="dev_mine", subject_epoch=1)
    assert edge.get(f"/d/{token}/vpn.deb").status == 200
    edge.apply({"type": "epoch", "subject": "dev_mine", "raw": "damaged"})
    assert_problem(edge.get(f"/d/{token}/vpn.deb"), 401, "credentials_stale")


def test_cache_does_not_outlive_the_token(edge, file):
    token = edge.download_token(file[0], "vpn.deb", iat=int(time.time()) - 900, exp=int(time.time()) - 28)
    assert edge.get(f"/d/{token}/vpn.deb").status == 200  # within the leeway of 30 s
    answer = wait_until(lambda: (a := edge.get(f"/d/{token}/vpn.deb")).status != 200 and a, "expiry")
    assert_problem(answer, 401, "token_expired")


def test_missing_and_damaged_files(edge):
    digest = edge.blob(b"now here")
    token = edge.download_token(digest, "gone.deb")
    path = edge.blobs / digest[:2] / digest[2:4] / digest
    path.unlink()
    answer = edge.get(f"/d/{token}/gone.deb")
    assert_problem(answer, 503, "file_unavailable")
    assert answer.headers["Retry-After"] == "5"
    path.mkdir()
    assert_problem(edge.get(f"/d/{token}/gone.deb"), 503, "file_unavailable")
    path.rmdir()
    path.symlink_to("/etc/hostname/x")
    assert_problem(edge.get(f"/d/{token}/gone.deb"), 503, "file_unavailable")
    path.unlink()
    edge.apply({"type": "file", "release": "rel_short", "name": "f", "sha256": digest, "package": "p",
                "size": 8})
    edge.blob(b"now here")
    token = edge.token("download", release="rel_short")
    assert edge.get(f"/d/{token}/f").status == 200
    path.write_bytes(b"now he")
    assert_problem(edge.get(f"/d/{token}/f"), 503, "file_unavailable")


def test_many_tokens(edge, file):
    """More tokens than the cache has places: each is still judged by itself."""
    names = [f"f{i}" for i in range(30)]
    tokens = [edge.download_token(file[0], name) for name in names]
    for _ in range(2):
        for name, token in zip(names, tokens):
            assert edge.get(f"/d/{token}/{name}").status == 200
            assert edge.get(f"/d/{token}/f-other").status == 403


def test_log_line(edge, file):
    token = edge.download_token(file[0], "vpn.deb", jti="jti_log", device="dev_log", download="dl_log",
                                sub="psub_log")
    edge.get(f"/d/{token}/vpn.deb")
    line = edge.fact(jti="jti_log")
    assert {k: line[k] for k in ("kind", "verdict", "reason", "status", "subject", "device", "download",
                                 "package", "range", "size", "sent", "complete")} == {
        "kind": "download", "verdict": "ok", "reason": "", "status": 200, "subject": "psub_log",
        "device": "dev_log", "download": "dl_log", "package": "pkg_1", "range": f"0-{len(DATA) - 1}",
        "size": str(len(DATA)), "sent": len(DATA), "complete": "OK"}
    edge.get(f"/d/{token}/wrong.deb")
    line = edge.fact(jti="jti_log", status=403)
    assert (line["verdict"], line["reason"], line["range"]) == ("wrong_file", "wrong_file", "")


# limits


def test_limits_by_subject():
    """limit_conn runs before the content handler: the subject is verified when it asks."""
    server = SERVER.replace("slipway_download;", "limit_conn subjects 1; limit_conn_status 429;"
                                                 " limit_rate 64k; slipway_download;")
    running = Edge(server=server)
    try:
        running.start()
        digest = running.blob(BIG)
        def open_download(token):
            s = socket.create_connection(("127.0.0.1", running.http_port))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(f"GET /d/{token}/big HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            return s, s.recv(4096).split(b" ")[1]
        one = running.download_token(digest, "big", sub="psub_one")
        same = running.download_token(digest, "big", sub="psub_one")
        other = running.download_token(digest, "big", sub="psub_other")
        first, status = open_download(one)
        assert status == b"200"
        second, status = open_download(same)
        assert status == b"429"
        third, status = open_download(other)
        assert status == b"200"
        # a token that is not good has no subject and cannot take another's place
        bad, status = open_download(one[:-3] + "AAA")
        assert status == b"401"
        for s in (first, second, third, bad):
            s.close()
        wait_until(lambda: open_download(same)[1] == b"200", "the place to be free again")
    finally:
        running.close()


def test_aio_directio_and_file_cache():
    server = SERVER.replace("slipway_download;", "slipway_download; open_file_cache max=100; directio 1m;"
                                                 " output_buffers 2 128k; aio threads=default;")
    running = Edge(server=server)
    try:
        running.start()
        digest = running.blob(BIG)
        token = running.download_token(digest, "big")
        for _ in range(2):
            assert hashlib.sha256(running.get(f"/d/{token}/big").body).hexdigest() == digest
        answer = running.get(f"/d/{token}/big", headers={"Range": "bytes=1000001-2000000"})
        assert answer.body == BIG[1000001:2000001]
    finally:
        running.close()
