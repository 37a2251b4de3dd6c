"""Sign-in through real providers, which know nothing of us: oidc-provider (npm) and glewlwyd
(Debian), each with its own way to log in, all over HTTP."""
import contextlib
import gzip
import http.client
import http.cookies
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.parse

import pytest

import control
import slipway
from liar import Browser

CALLBACK = "https://slipway.test/api/v1/auth/oidc/{}/callback"


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["net.allow_insecure_loopback=true"]) as running:
        yield running


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Visitor:
    """A browser at the provider: keeps its cookies, follows nothing by itself."""

    def __init__(self):
        self.cookies = {}

    def ask(self, method, url, body=None, content_type="application/x-www-form-urlencoded"):
        parts = urllib.parse.urlsplit(url)
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = content_type
        with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as c:
            c.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers)
            answer = c.getresponse()
            for line in answer.headers.get_all("Set-Cookie") or []:
                for name, morsel in http.cookies.SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            answer.text = answer.read().decode()
            location = answer.headers["Location"]
            answer.to = urllib.parse.urljoin(url, location) if location else None
            return answer


# oidc-provider -----------------------------------------------------------------------------------


class LogoutRelay(http.server.BaseHTTPRequestHandler):
    """Carries the provider's back-channel logout to the socket nginx would carry it to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.plane.request("POST", self.path, body, headers={
            "Content-Type": self.headers["Content-Type"]})
        self.send_response(answer.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def oidc_provider(plane, name, algorithm="RS256"):
    """Running, and known to the plane by this name; gives its issuer."""
    folder = slipway.npm_folder("oidc")
    if not folder:
        pytest.skip("oidc-provider cannot be fetched from npm")
    relay = http.server.ThreadingHTTPServer(("127.0.0.1", 0), LogoutRelay)
    relay.plane = plane
    threading.Thread(target=relay.serve_forever, daemon=True).start()
    logout = f"http://127.0.0.1:{relay.server_port}/api/v1/auth/oidc/{name}/backchannel-logout"
    node = subprocess.Popen(
        ["node", "provider.mjs"], cwd=folder, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL,
        env={**os.environ, "PORT": str(free_port()), "LOGOUT_URI": logout, "ID_TOKEN_ALG": algorithm,
             "REDIRECT_URI": CALLBACK.format(name)})
    try:
        while not (line := node.stdout.readline()).startswith("ready"):
            assert line, "oidc-provider did not start"
        issuer = line.split()[1]
        plane.api("POST", "/admin/identity-providers", {
            "name": name, "issuer": issuer, "client_id": "app",
            "client_secret": "app-secret-0123456789abcdef0123456789",
            "rules": [{"group": "ops", "domain": "example.test", "role": "admin"}]}, plane.admin, 201)
        yield issuer
    finally:
        node.terminate()
        node.wait(20)
        relay.shutdown()
        relay.server_close()


@pytest.fixture(scope="module")
def certified(plane):
    with oidc_provider(plane, "certified") as issuer:
        yield issuer


def at_certified(visitor, url, login):
    """Logs in and consents; gives where the provider sends the browser."""
    for _ in range(10):
        if url.startswith("https://slipway.test/"):
            return url
        answer = visitor.ask("GET", url)
        if answer.to:
            url = answer.to
            continue
        prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)[1]
        body = {"prompt": prompt, "login": login, "password": "any"}
        url = visitor.ask("POST", url, urllib.parse.urlencode(body)).to
    raise AssertionError("the provider goes in circles")


def test_oidc_provider(plane, certified):
    tried = plane.api("POST", "/admin/identity-providers/certified/test", token=plane.admin, status=200)
    assert tried["ok"] and tried["keys"] >= 1
    browser, visitor = Browser(plane), Visitor()
    back = at_certified(visitor, browser.begin("certified", "/downloads"), "nora")
    answer = browser.come_back(back)
    assert answer.headers["Location"] == "/downloads"
    me = browser.me().json
    assert (me["email"], me["role"]) == ("nora@example.test", "admin")
    # Signed in there already: the second time there is nothing to type.
    again = Browser(plane)
    assert again.come_back(at_certified(visitor, again.begin("certified"), "nora")).status == 303
    assert again.me().json["account_id"] == me["account_id"]
    # The code was for one use: the provider says so too.
    assert browser.come_back(back).headers["Location"] == "/sign-in?error=sign_in_expired"


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "EdDSA", "Ed25519"])
def test_other_algorithms(plane, algorithm):
    """With at_hash, which is of another function for Ed25519."""
    name = algorithm.lower()
    with oidc_provider(plane, name, algorithm):
        browser = Browser(plane)
        assert browser.come_back(at_certified(Visitor(), browser.begin(name), name)).headers["Location"] == "/account"
        assert browser.me().json["email"] == f"{name}@example.test"


def test_oidc_provider_signs_out_everywhere(plane, certified):
    browser, visitor = Browser(plane), Visitor()
    browser.come_back(at_certified(visitor, browser.begin("certified"), "olaf"))
    assert browser.me().status == 200
    page = visitor.ask("GET", certified + "/session/end?client_id=app")
    xsrf = re.search(r'name="xsrf" value="([^"]+)"', page.text)[1]
    visitor.ask("POST", certified + "/session/end/confirm",
                urllib.parse.urlencode({"xsrf": xsrf, "logout": "yes"}))
    slipway.wait_until(lambda: browser.me().status == 401, "the logout", 5)


# glewlwyd ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def glewlwyd(plane):
    program = shutil.which("glewlwyd")
    schema = pathlib.Path("/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz")
    if not program or not schema.exists():
        pytest.skip("glewlwyd is not installed")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="slipway-glewlwyd-"))
    port = free_port()
    base = f"http://127.0.0.1:{port}/api"
    subprocess.run(["sqlite3", folder / "g.db"], input=gzip.decompress(schema.read_bytes()), check=True)
    text = pathlib.Path("/etc/glewlwyd/glewlwyd.conf").read_text()
    for pattern, by in ((r"(?m)^port=.*", f'port={port}\nbind_address="127.0.0.1"'),
                        (r"(?m)^external_url=.*", f'external_url="http://127.0.0.1:{port}/"'),
                        (r"(?m)^log_mode=.*", 'log_mode="console"'), (r"(?m)^log_file.*", ""),
                        (r"(?m)^(use_)?secure_connection.*", ""),
                        (r"(?m)^@include.*", f'database={{type="sqlite3"; path="{folder}/g.db"; }};')):
        text = re.sub(pattern, by, text)
    (folder / "g.conf").write_text(text)
    with open(folder / "log", "wb") as log:
        running = subprocess.Popen([program, "-c", folder / "g.conf"], stdout=log, stderr=log)
    try:
        slipway.wait_until(lambda: answers(port), "glewlwyd", 20)
        configure_glewlwyd(base, folder)
        plane.api("POST", "/admin/identity-providers", {
            "name": "glewlwyd", "issuer": base + "/oidc", "client_id": "app",
            "client_secret": "app-secret", "scopes": ["openid"],
            "rules": [{"role": "user"}]}, plane.admin, 201)
        yield base
    finally:
        running.terminate()
        running.wait(20)
        shutil.rmtree(folder)


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True


def configure_glewlwyd(base, folder):
    admin = Visitor()

    def send(method, path, body, status=200):
        answer = admin.ask(method, base + path, json.dumps(body), "application/json")
        assert answer.status == status, (path, answer.status, answer.text)

    send("POST", "/auth/", {"username": "admin", "password": "password"})
    key, cert = folder / "rsa.pem", folder / "rsa.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                    "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-out", cert], check=True,
                   capture_output=True)
    flags = {"allow-non-oidc": False, "auth-type-code-enabled": True, "auth-type-token-enabled": False,
             "auth-type-id-token-enabled": True, "auth-type-none-enabled": False,
             "auth-type-password-enabled": False, "auth-type-client-enabled": True,
             "auth-type-refresh-enabled": True, "auth-type-device-enabled": False,
             "refresh-token-rolling": True, "pkce-allowed": True, "pkce-method-plain-allowed": False,
             "pkce-required": True, "introspection-revocation-allowed": False, "jwks-show": True,
             "request-parameter-allow": False, "session-management-allowed": False,
             "client-register-allowed": False, "oauth-rar-allowed": False}
    send("POST", "/mod/plugin/", {
        "module": "oidc", "name": "oidc", "display_name": "oidc", "enabled": True, "parameters": {
            "iss": base + "/oidc", "jwt-type": "rsa", "jwt-key-size": "256", "key": key.read_text(),
            "cert": cert.read_text(), "access-token-duration": 3600, "refresh-token-duration": 86400,
            "code-duration": 60, "secret-type": "public", "subject-type": "public", "scope": [],
            "additional-parameters": [], "claims": [], "name-claim": "no", "email-claim": "mandatory",
            "scope-claim": "no", "name-claim-scope": [], "email-claim-scope": [], **flags}})
    send("POST", "/client/?source=database", {
        "client_id": "app", "name": "app", "confidential": True, "password": "app-secret",
        "enabled": True, "redirect_uri": [CALLBACK.format("glewlwyd")],
        "authorization_type": ["code"], "token_endpoint_auth_method": ["client_secret_basic"],
        "scope": ["openid"]})
    send("POST", "/user/?source=database", {
        "username": "alice", "password": "alice-password", "name": "Alice", "enabled": True,
        "email": "alice@example.test", "scope": ["openid", "g_profile"]})


def test_glewlwyd(plane, glewlwyd):
    visitor, browser = Visitor(), Browser(plane)
    signed_in = visitor.ask("POST", glewlwyd + "/auth/", json.dumps(
        {"username": "alice", "password": "alice-password"}), "application/json")
    assert signed_in.status == 200
    granted = visitor.ask("PUT", glewlwyd + "/auth/grant/app/", '{"scope": "openid"}', "application/json")
    assert granted.status == 200
    # It does not say that it has verified the address: no account is made.
    back = visitor.ask("GET", browser.begin("glewlwyd") + "&g_continue").to
    assert browser.come_back(back).headers["Location"] == "/sign-in?error=email_unverified"
    # An account that exists links it, and the address is of no consequence.
    plane.account(plane.admin, "owner@example.com")
    owner = Browser(plane)
    answer = owner.ask("POST", "/api/v1/auth/login", {
        "email": "owner@example.com", "password": control.PASSWORD, "session": "cookie"})
    owner.csrf = answer.json["csrf_token"]
    begun = owner.ask("POST", "/api/v1/me/identities/glewlwyd/start", {})
    back = visitor.ask("GET", begun.json["authorization_url"] + "&g_continue").to
    assert owner.come_back(back).headers["Location"] == "/account"
    back = visitor.ask("GET", browser.begin("glewlwyd") + "&g_continue").to
    assert browser.come_back(back).headers["Location"] == "/account"
    assert browser.me().json["email"] == "owner@example.com"
