"""slipway-update with a server that lies: hijacked, but without the publisher's key."""
import contextlib
import http.server
import json
import ssl
import threading

import pytest

from update_client import Client, client, licence, package  # noqa: F401


@pytest.fixture(scope="module")
def database():
    return "sqlite"


class Liar:
    """Passes requests on to the real server, under its certificate; `change` alters answers."""

    def __init__(self, server, change):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
                headers = {k: v for k, v in self.headers.items()
                           if k.lower() not in ("host", "connection", "content-length")}
                answer = server.request(self.command, self.path, body, headers=headers)
                data = answer.body
                with contextlib.suppress(ValueError):
                    data = json.dumps(change(self.path, json.loads(data))).encode()
                self.send_response(answer.status)
                for name in ("Content-Type", "ETag", "Content-Range"):
                    if answer.headers[name]:
                        self.send_header(name, answer.headers[name])
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            do_GET = do_POST = do_PUT = pass_on

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server.data / "tls/server.pem", server.data / "tls/server.key")
        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.httpd.server_port}"
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.httpd.shutdown()
        self.httpd.server_close()


def the_old_package(server, licence):
    """What an honest server says to a client that has nothing: 1.0.0, of the publisher."""
    return server.request("GET", "/api/v1/updates/check?product=vpn&version=0.9.0"
                                 "&platform=linux-amd64").json


@pytest.mark.parametrize("installed", ["1.0.0", "1.1.0", "2.0.0", "1.0.0+build"])
def test_no_way_back(server, licence, package, tmp_path, installed):
    old = the_old_package(server, licence)
    assert old["version"] == "1.0.0" and old["update"]

    def offer_old(path, answer):
        return old if path.startswith("/api/v1/updates/check") else answer
    with Liar(server, offer_old) as liar:
        device = Client(server, tmp_path / "state", licence["licence_key"], installed=installed)
        for command in (("check",), ("download", "--output", tmp_path / "out", "--publisher-key",
                                     package.parent / "publisher.pub")):
            assert device.run(*command, url=liar.url, check=16)["code"] == "downgrade"
        assert not (tmp_path / "out").exists()
        honest = Client(server, tmp_path / "state", licence["licence_key"], installed="0.9.0")
        assert honest.run("check", url=liar.url)["version"] == "1.0.0"


def test_no_version_at_all(server, licence, package, tmp_path):
    def change(path, answer):
        return {**answer, "version": "new"} if "updates/check" in path else answer
    with Liar(server, change) as liar:
        device = Client(server, tmp_path / "state", licence["licence_key"])
        assert device.run("check", url=liar.url, check=16)["code"] == "answer"


def test_a_licence_shows_its_own_product_only(server, licence, package, tmp_path):
    """What the device of a customer of one product is told of another one it may not have."""
    server.cli("product", "create", "other")
    server.publish(package, "other", "3.0.0", "linux-amd64", "stable", "licensed")
    device = server.api("POST", "/licences/activate", {
        "licence_key": licence["licence_key"],
        "device": {"name": "d", "os": "linux", "arch": "amd64", "fingerprint": "f" * 32}}, status=200).json
    renewed = server.api("POST", "/auth/refresh", {"refresh_token": device["refresh_token"]}).json
    for token in (device["device_token"], renewed["device_token"], renewed["access_token"]):
        answers = {product: server.request(
            "GET", f"/api/v1/updates/check?product={product}&version=1.0.0&platform=linux-amd64",
            token=token).json for product in ("vpn", "other")}
        assert answers["vpn"]["update"]
        assert not answers["other"]["update"] and answers["other"]["policy"] == "licence_required"
        assert not answers["other"]["package"] and not answers["other"]["release_id"]
