"""Tokens leave no trace: errors of every kind are forced with a token in the request, and then every
log is searched. The error log is at level info, which shows more than production does."""
import os
import socket
import ssl
import struct

import pytest

from edge import Edge
from slipway import wait_until

DATA = os.urandom(3 << 20)
# nginx's own page of an error that comes while the headers are read is redirected, too
EXTRA = """
    server {
        listen 127.0.0.1:%(port)d;
        slipway_plaintext on;
        error_page 400 414 494 /early;
        location = /early { return 200 "$request_uri"; }
        location / { return 204; }
    }
"""


@pytest.fixture(scope="module")
def edge():
    from slipway import free_port
    early = free_port()
    running = Edge(http=EXTRA % {"port": early})
    running.early_port = early
    running.digest = running.blob(DATA)
    running.used = []
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture
def token(edge):
    """A fresh download token; afterwards no part of it stands in any log."""
    fresh = edge.download_token(edge.digest, "f.bin")
    yield fresh
    # a request that ends with the connection: its lines are all written when this one's is
    marker = os.urandom(8).hex()
    edge.get(f"/marker-{marker}")
    logs = wait_until(lambda: (text := edge.logs()) and marker in (edge.dir / "facts.log").read_text()
                      and text, "the marker")
    assert_no_trace(fresh, logs)


def assert_no_trace(token, logs):
    for part in token.split(".")[1:]:  # the header is the same for all tokens
        for at in range(0, len(part) - 16, 8):
            assert part[at:at + 16] not in logs, part[at:at + 16]
    assert token[:16] not in logs


def head(line, *headers):
    return "\r\n".join([line, "Host: x", *headers, "Connection: close", "", ""]).encode()


def status(received):
    return int(received.split(b" ")[1]) if received else 0


REQUESTS = [
    # what: request line, headers, body, status
    ("served", "GET /d/{}/f.bin HTTP/1.1", [], 200),
    ("query", "GET /d/f.bin?token={} HTTP/1.1", [], 200),
    ("query with others", "GET /d/f.bin?a=1&token={}&b=2 HTTP/1.1", [], 200),
    ("upper case", "GET /d/f.bin?TOKEN={} HTTP/1.1", [], 200),
    ("bearer", "GET /d/f.bin HTTP/1.1", ["Authorization: Bearer {}"], 200),
    ("HTTP/1.0", "GET /d/{}/f.bin HTTP/1.0", [], 200),
    ("absolute form", "GET http://x/d/{}/f.bin HTTP/1.1", [], 200),
    ("absolute form without a path", "GET http://x?token={} HTTP/1.1", [], 404),
    ("wrong file", "GET /d/{}/g.bin HTTP/1.1", [], 403),
    ("no file", "GET /d/{} HTTP/1.1", [], 404),
    ("no file, slash", "GET /d/{}/ HTTP/1.1", [], 404),
    ("method", "POST /d/{}/f.bin HTTP/1.1", ["Content-Length: 0"], 405),
    ("too large", "PUT /d/{}/f.bin HTTP/1.1", ["Content-Length: 99999999"], 413),
    ("not found", "GET /nowhere?token={} HTTP/1.1", [], 404),
    ("mistyped", "GET /D/{}/f.bin HTTP/1.1", [], 404),
    ("mistyped too", "GET /download/{}/f.bin HTTP/1.1", [], 404),
    ("at the root", "GET /{} HTTP/1.1", [], 404),
    ("upstream", "GET /echo/?token={} HTTP/1.1", [], 200),
    ("upstream path", "GET /echo/{} HTTP/1.1", [], 200),
    ("upstream down", "GET /broken/?token={} HTTP/1.1", [], 502),
    ("upstream down, path", "GET /broken/{} HTTP/1.1", [], 502),
    ("bad range", "GET /d/{}/f.bin HTTP/1.1", ["Range: bytes=99999999-"], 416),
    ("bad length", "GET /d/{}/f.bin HTTP/1.1", ["Content-Length: x"], 400),
    ("no host", "GET /d/{}/f.bin HTTP/1.1\r\nX: y", [], 200),
    ("bad host", "GET /d/{}/f.bin HTTP/1.1", ["Host: a b/c"], 400),
    ("two hosts", "GET /d/{}/f.bin HTTP/1.1", ["Host: y"], 400),
    ("bad header ignored", "GET /d/{}/f.bin HTTP/1.1", ["b@d: x", "under_score: x"], 200),
    ("bad header line", "GET /d/{}/f.bin HTTP/1.1", [" no name\x01"], 400),
    ("bad encoding", "GET /d/{}/f.bin HTTP/1.1", ["Transfer-Encoding: banana"], 501),
    ("both lengths", "POST /d/{}/f.bin HTTP/1.1", ["Content-Length: 1", "Transfer-Encoding: chunked"], 400),
    ("expect", "GET /d/{}/f.bin HTTP/1.1", ["Expect: nothing"], 200),
    ("large header", "GET /d/{}/f.bin HTTP/1.1", ["X: " + "x" * 20000], 400),
    ("long line", "GET /d/{}/" + "f" * 20000 + " HTTP/1.1", [], 414),
    ("long line, query", "GET /x?" + "f" * 20000 + "&token={} HTTP/1.1", [], 414),
    ("bad version", "GET /d/{}/f.bin HTTP/9.9", [], 505),
    ("bad version word", "GET /d/{}/f.bin HTTQ/1.1", [], 400),
    ("bad method", "G@T /d/{}/f.bin HTTP/1.1", [], 400),
    ("bad escape", "GET /d/{}/%zz HTTP/1.1", [], 400),
    ("NUL", "GET /d/{}/f%00.bin HTTP/1.1", [], 400),
    ("above the root", "GET /../../d/{}/f.bin HTTP/1.1", [], 400),
    ("space in path", "GET /d/{}/f bin HTTP/1.1", [], 400),
    ("double slash", "GET //d//{}/f.bin HTTP/1.1", [], 200),
    ("dots", "GET /a/../d/./{}/f.bin HTTP/1.1", [], 200),
    ("escaped prefix", "GET /%64/{}/f.bin HTTP/1.1", [], 200),
    ("escaped name", "GET /d/{}/%66.bin HTTP/1.1", [], 200),
    ("fragment", "GET /d/{}/f.bin#top HTTP/1.1", [], 200),
    ("fragment token", "GET /nowhere#/d/{} HTTP/1.1", [], 404),
    ("in both", "GET /d/{}/f.bin?token={} HTTP/1.1", [], 200),
    ("referer", "GET /nowhere HTTP/1.1", ["Referer: https://x/d/{}/f.bin"], 404),
    ("referer query", "GET /echo/ HTTP/1.1", ["Referer: https://x/?token={}&x=1"], 200),
    ("check", "GET /api/v1/updates/check?token={} HTTP/1.1", [], 400),
    ("connect", "CONNECT /d/{}/f.bin HTTP/1.1", [], 405),
    ("trace", "TRACE /d/{}/f.bin HTTP/1.1", [], 405),
]


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("line,headers,expected", [r[1:] for r in REQUESTS], ids=[r[0] for r in REQUESTS])
def test_http1(edge, token, tls, line, headers, expected):
    request = head(line.replace("{}", token), *(h.replace("{}", token) for h in headers))
    if "X: y" in line:
        request = request.replace(b"Host: x\r\n", b"").replace(b"X: y", b"Host: x")
    received = edge.raw(request, edge.tls_port if tls else edge.http_port, tls)
    assert status(received) == expected, received[:500]
    if "Bearer" not in str(headers):
        assert_no_trace(token, received.decode(errors="replace"))


@pytest.mark.parametrize("line,headers,expected", [r[1:] for r in REQUESTS], ids=[r[0] for r in REQUESTS])
def test_keepalive(edge, token, line, headers, expected):
    """The same as the second and third request of a connection: nginx sets itself up differently."""
    request = head(line.replace("{}", token), *(h.replace("{}", token) for h in headers))
    before = b"HEAD /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", edge.http_port), timeout=20) as s:
        s.sendall(before)
        assert s.recv(4096).startswith(b"HTTP/1.1 404")
        s.sendall(before + request)
        received = b""
        while part := s.recv(65536):
            received += part
    assert received.startswith(b"HTTP/1.1 404")


def test_early_error_page(edge, token):
    for request in (head(f"GET /d/{token}/f.bin HTTP/1.1", "Host: y"),
                    head(f"GET /x?token={token} HTTP/1.1", "Content-Length: x"),
                    head(f"GET /d/{token}/%zz HTTP/1.1"), head(f"GET /d/{token}/{'f' * 20000} HTTP/1.1"),
                    head(f"GET /d/{token}/f.bin HTTP/1.1", "X: " + "x" * 20000)):
        assert status(edge.raw(request, edge.early_port)) in (200, 400, 414)


def test_plaintext_and_wrong_ports(edge, token):
    assert status(edge.raw(head(f"GET /d/{token}/f.bin HTTP/1.1"), edge.plain_port)) == 403
    assert status(edge.raw(head(f"GET /x?token={token} HTTP/1.1"), edge.plain_port)) == 403
    assert status(edge.raw(head(f"GET /d/{token}/f.bin HTTP/1.1"), edge.tls_port)) == 400


@pytest.mark.parametrize("cut", ["GET /d/{}", "GET /d/{}/f.bin HTTP/1.1\r\n", "GET /d/{}/f.bin HTTP/1.1\r\nHost: x\r\nX",
                                 "GET /x?token={}", "{}", "GET /d/{}/f.bin HTTP/1.1\r\nHo@st: x\r\n"])
@pytest.mark.parametrize("reset", [False, True])
def test_requests_cut_short(edge, token, cut, reset):
    with socket.create_connection(("127.0.0.1", edge.http_port), timeout=20) as s:
        s.sendall(cut.replace("{}", token).encode())
        if reset:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_request_in_pieces(edge, token):
    request = head(f"GET /d/{token}/f.bin HTTP/1.1", "Ba@d: x", "Range: bytes=0-9")
    with socket.create_connection(("127.0.0.1", edge.http_port), timeout=20) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(request), 7):
            s.sendall(request[at:at + 7])
        assert s.recv(4096).startswith(b"HTTP/1.1 206")


def test_header_timeout(edge, token):
    with socket.create_connection(("127.0.0.1", edge.http_port), timeout=20) as s:
        s.sendall(f"GET /d/{token}/f.bin HTTP/1.1\r\nHost: x\r\n".encode())
        s.recv(4096)  # until nginx gives up


@pytest.mark.parametrize("tls", [False, True])
def test_aborted_transfer(edge, token, tls):
    with socket.create_connection(("127.0.0.1", edge.tls_port if tls else edge.http_port)) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if tls:
            context = ssl.create_default_context(cafile=str(edge.dir / "tls.crt"))
            s = context.wrap_socket(s, server_hostname="127.0.0.1")
        s.sendall(head(f"GET /d/{token}/f.bin HTTP/1.1"))
        assert len(s.recv(4096)) > 0


HTTP2 = [
    ("/d/{}/f.bin", [], 200), ("/d/f.bin?token={}", [], 200), ("/d/{}/g.bin", [], 403), ("/nowhere?token={}", [], 404),
    ("/D/{}/f.bin", [], 404), ("/d/{}/f.bin", ["-X", "PUT", "-d", "x" * 5000], 413), ("//d//{}/f.bin", [], 200),
    ("/%64/{}/f.bin", [], 200), ("/d/{}/%zz", [], 400), ("/d/{}/%00", [], 400), ("/../d/{}/f.bin", [], 400),
    ("/broken/?token={}", [], 502), ("/echo/?token={}", [], 200), ("/nowhere", ["-e", "https://x/d/{}/f.bin"], 404),
    ("/d/{}/f.bin", ["-H", "b@d: x"], None), ("/d/{}/f.bin", ["-H", "X: " + "x" * 20000], None),
    ("/d/{}/" + "f" * 20000, [], None), ("/d/{}/f.bin", ["-H", "Content-Length: x"], None),
    ("/d/f.bin", ["-H", "Authorization: Bearer {}"], 200), ("/d/{}/f.bin?token={}", [], 200),
]


@pytest.mark.parametrize("path,options,expected", HTTP2)
def test_http2(edge, token, path, options, expected, tmp_path):
    done = edge.curl("--http2", "--path-as-is", "-o", tmp_path / "body", "-w", "%{http_version} %{http_code}",
                     *(o.replace("{}", token) for o in options),
                     f"https://127.0.0.1:{edge.tls_port}{path.replace('{}', token)}")
    if expected:
        assert done.stdout == f"2 {expected}".encode(), done


def test_http2_on_one_connection(edge, token, tmp_path):
    base = f"https://127.0.0.1:{edge.tls_port}"
    done = edge.curl("--http2", "--path-as-is", "-Z", "-o", tmp_path / "1", f"{base}/d/{token}/f.bin",
                     "-o", tmp_path / "2", f"{base}/d/{token}/%zz", "-o", tmp_path / "3", f"{base}/d/{token}/g",
                     "-o", tmp_path / "4", f"{base}/x?token={token}", "-o", tmp_path / "5", f"{base}/d/f.bin?token={token}")
    assert done.returncode == 0
    assert (tmp_path / "1").read_bytes() == DATA


def test_upstream_never_sees_it(edge, token):
    """The echo upstream answers with what reached it."""
    for path in (f"/echo/?token={token}", f"/echo/{token}/x"):
        answer = edge.get(path, headers={"Referer": f"https://x/d/{token}/f"})
        assert answer.status == 200 and b"xxxxxxxx" in answer.body
        assert_no_trace(token, answer.body.decode())


def test_other_parameters_reach_upstream(edge):
    looks_alike = edge.token("access")
    answer = edge.get(f"/echo/?state={looks_alike}&tokens=1&mytoken=2&x=eyJ")
    assert answer.body.decode().startswith(f"/echo/?state={looks_alike}&tokens=1&mytoken=2&x=eyJ ")
