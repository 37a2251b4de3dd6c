"""The client for URLs that others chose (identity providers, webhooks), against real HTTPS servers
that try to abuse it. No control plane: src/net/foreign.c alone, through tests/tools/foreign_tool.c."""
import gzip
import http.server
import ipaddress
import socket
import ssl
import subprocess
import threading
import time

import pytest

import slipway

TOOL = slipway.BUILD / "tests" / "tools" / "foreign-tool"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle(self):
        self.server.connections += 1
        try:
            super().handle()
        except OSError:
            pass  # the client has gone, as it should

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        getattr(self, "on_" + self.path.strip("/").partition("?")[0])()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), body))
        self.on_good()

    def on_good(self):
        self.head(200, Content_Length="5")
        self.wfile.write(b"hello")

    def on_redirect(self):
        self.head(302, Location=f"https://127.0.0.1:{self.server.server_port}/good",
                  Content_Length="0")

    def on_redirect_inside(self):
        self.head(307, Location="http://169.254.169.254/latest/meta-data/", Content_Length="0")

    def on_huge(self):
        self.head(200, Transfer_Encoding="chunked")
        for _ in range(1 << 20):
            self.wfile.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            self.server.sent += 0x4000

    def on_bomb(self):
        body = gzip.compress(b"\0" * 10_000_000)
        self.head(200, Content_Encoding="gzip", Content_Length=str(len(body)))
        self.wfile.write(body)

    def on_slow(self):
        self.head(200, Content_Length="1000000")
        while True:
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.02)

    def on_slow_head(self):
        while True:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n" if not self.server.sent else b"X: y\r\n")
            self.server.sent += 1
            time.sleep(0.02)

    def on_flood_of_headers(self):
        self.send_response(200)
        self.flush_headers()
        for i in range(100_000):
            self.wfile.write(b"X-%d: %s\r\n" % (i, b"y" * 900))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context):
        super().__init__(("127.0.0.1", 0), Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True,
                                          do_handshake_on_connect=False)
        self.connections = self.sent = 0
        self.asked = []
        self.url = f"https://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # a client that refuses the certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=test", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem", "-addext", "subjectAltName=IP:127.0.0.1,DNS:idp.example"],
        check=True, capture_output=True)
    return folder


@pytest.fixture
def other(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    running = Server(context)
    yield running
    running.shutdown()
    running.server_close()


def ask(certificate, url, *options, allow="127.0.0.0/8", trusted=True):
    command = [TOOL, "--allow", allow, *options]
    if trusted:
        command += ["--ca", certificate / "cert.pem"]
    lines = subprocess.run([*command, url], check=True, capture_output=True, text=True,
                           timeout=60).stdout.splitlines()
    return [tuple(line.split(" ")[:4]) for line in lines]


def test_good_answers_share_a_connection(other, certificate):
    assert ask(certificate, other.url + "/good", "--times", "5") == [("ok", "-", "200", "5")] * 5
    assert other.connections == 1
    assert "Accept-Encoding" not in other.asked[0][1]


def test_forms_are_posted(other, certificate):
    assert ask(certificate, other.url + "/token", "--post", "a=b")[0][:3] == ("ok", "-", "200")
    assert other.asked[0][2] == b"a=b"


def test_addresses_inside_are_refused_without_a_connection(other, certificate):
    for allow in ("", "10.0.0.0/8", "127.0.0.2 ::1"):
        assert ask(certificate, other.url + "/good", allow=allow)[0][:2] == (
            "denied", "address_refused")
    assert other.connections == 0


def test_a_name_is_judged_by_its_address(other, certificate):
    url = f"https://idp.example:{other.server_port}/good"
    inside = ("--resolve", f"idp.example:{other.server_port}:127.0.0.1")
    assert ask(certificate, url, *inside, allow="")[0][:2] == ("denied", "address_refused")
    assert other.connections == 0
    assert ask(certificate, url, *inside)[0][:3] == ("ok", "-", "200")


def test_an_own_address_of_this_machine_is_refused(certificate):
    """Not only loopback: the address under which this machine is in its own network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network")
        own = probe.getsockname()[0]
    if ipaddress.ip_address(own).is_global:
        pytest.skip("this machine has a public address")
    assert ask(certificate, f"https://{own}:1/", allow="")[0][:2] == ("denied", "address_refused")


def test_redirects_are_refused(other, certificate):
    for path in ("/redirect", "/redirect_inside"):
        assert ask(certificate, other.url + path)[0][:2] == ("unavailable", "redirect")
    assert [path for path, *_ in other.asked] == ["/redirect", "/redirect_inside"]


def test_huge_bodies_are_cut(other, certificate):
    assert ask(certificate, other.url + "/huge")[0][:2] == ("too_large", "answer_too_large")
    assert other.sent < 64 << 20


def test_answers_are_not_decompressed(other, certificate):
    name, code, status, size = ask(certificate, other.url + "/bomb")[0]
    assert (name, code, status) == ("ok", "-", "200")
    assert int(size) < 20_000


@pytest.mark.parametrize("path", ["/slow", "/slow_head"])
def test_slow_answers_are_cut(other, certificate, path):
    started = time.monotonic()
    assert ask(certificate, other.url + path, "--time", "400")[0][:2] == ("unavailable", "timeout")
    assert time.monotonic() - started < 5


def test_a_server_that_only_accepts(certificate):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        assert ask(certificate, url, "--time", "300")[0][:2] == ("unavailable", "timeout")


def test_heads_are_limited(other, certificate):
    assert ask(certificate, other.url + "/flood_of_headers")[0][:2] == (
        "too_large", "answer_too_large")


def test_certificates_are_verified(other, certificate):
    assert ask(certificate, other.url + "/good", trusted=False)[0][:2] == (
        "unavailable", "certificate")
    wrong = f"https://other.example:{other.server_port}/good"
    resolve = ("--resolve", f"other.example:{other.server_port}:127.0.0.1")
    assert ask(certificate, wrong, *resolve)[0][:2] == ("unavailable", "certificate")
    assert other.asked == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    old = Server(context)
    try:
        assert ask(certificate, old.url + "/good")[0][:2] == ("unavailable", "tls")
    finally:
        old.shutdown()
        old.server_close()


def test_plain_http_is_refused(certificate):
    assert ask(certificate, "http://127.0.0.1:1/")[0][:2] == ("invalid", "url")


def test_the_proxy_of_the_environment_is_not_asked(other, certificate, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    assert ask(certificate, other.url + "/good")[0][:3] == ("ok", "-", "200")
