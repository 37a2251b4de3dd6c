"""Two nodes behind the balancer of deploy/nginx/balancer.conf, over one PostgreSQL and one Redis: no step
of anything depends on which node answers it; what is ended is ended on both; a node may die."""
import concurrent.futures
import contextlib
import hashlib
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import urllib.parse

import pytest

import factors
import liar
import slipway
from authenticator import Passkey
from balancer import NAME, Balancer
from slipway import ADMIN_PASSWORD as PASSWORD
from slipway import SLIPWAY, wait_until
from test_two_nodes import CHECK, DATA_PLANE_S, FEED_S, nginx_is_dead_to, takes

ORIGIN = "https://slipway.test"
SAME = {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}
ATTEMPTS = 6
FEW = 2  # as in test_redis.py


@pytest.fixture(scope="module")
def plane(postgresql, redis):
    with contextlib.ExitStack() as stack:
        database = postgresql()
        settings = [f"redis.url={redis.url}", "database.sessions=12", f"server_name=localhost {NAME}",
                    f"public_url={ORIGIN}", "listen.trusted_proxies=127.0.0.1", f"login.attempts={ATTEMPTS}",
                    "net.allow_insecure_loopback=true"]
        one = slipway.Server(database, settings)
        stack.callback(one.close)
        one.start()
        other = slipway.Server(database, settings, admin=False, beside=one)
        stack.callback(other.close)
        other.start()
        plane = Balancer(one, other)
        stack.callback(plane.close)
        plane.database, plane.people, plane.redis = database, 0, redis
        plane.admin = one.login()
        plane.api("POST", "/admin/products", {"name": "demo"}, plane.admin, 201)
        yield plane


def sql(plane, statement):
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", plane.database, "-c", statement],
                   check=True, capture_output=True)


Balancer.sql = sql  # for factors.py


@pytest.fixture(autouse=True)
def a_client_of_its_own(plane):
    """Each test comes from another network, so that none is limited for another one."""
    plane.people += 1
    plane.source = f"127.7.{plane.people}.1"


@pytest.fixture
def jane(plane):
    return plane.api("POST", "/admin/accounts", {"email": f"jane{plane.people}@example.com", "role": "user",
                                                 "password": PASSWORD}, plane.admin, 201)


def sign_in(plane, account, **more):
    return plane.api("POST", "/auth/login", {"email": account["email"], "password": PASSWORD, **more},
                     status=200, headers=SAME if more else {})


def me(plane, tokens):
    return plane.request("GET", "/api/v1/me", token=tokens["access_token"]).status


# Steps that follow each other -----------------------------------------------------------------------

def test_a_sign_in_begun_here_has_its_second_factor_there(plane, jane):
    app, _ = factors.enrol_app(plane, sign_in(plane, jane)["access_token"])
    asked = plane.api("POST", "/auth/login", {"email": jane["email"], "password": PASSWORD}, status=401)
    assert asked["code"] == "mfa_required"
    plane.elsewhere("POST", "/auth/second-factor", {"mfa_token": asked["mfa_token"], "otp": "000000"},
                    status=401)
    body = {"mfa_token": asked["mfa_token"], "otp": app.password()}
    tokens = plane.elsewhere("POST", "/auth/second-factor", body)
    assert me(plane, tokens) == 200
    plane.elsewhere("POST", "/auth/second-factor", body, status=401)


def test_wrong_codes_are_counted_together(plane, jane):
    factors.enrol_app(plane, sign_in(plane, jane)["access_token"])
    asked = plane.api("POST", "/auth/login", {"email": jane["email"], "password": PASSWORD}, status=401)
    statuses = [plane.request("POST", "/api/v1/auth/second-factor",
                              {"mfa_token": asked["mfa_token"], "otp": f"{n:06}"}).status for n in range(30)]
    assert statuses[:ATTEMPTS] == [401] * ATTEMPTS
    assert statuses.count(401) <= ATTEMPTS + FEW


def test_a_browsers_session_and_its_csrf_token(plane, jane):
    signed = sign_in(plane, jane, session="cookie")
    cookie = {"Cookie": plane.last.headers["Set-Cookie"].split(";")[0]}
    known = plane.elsewhere("GET", "/me", headers=cookie)
    assert known["csrf_token"] == signed["csrf_token"]
    body = {"name": "mine", "permissions": ["self.read"]}
    plane.elsewhere("POST", "/me/keys", body, status=403, headers={**cookie, **SAME})
    plane.elsewhere("POST", "/me/keys", body, status=403, headers={
        **cookie, **SAME, "X-CSRF-Token": signed["csrf_token"], "Origin": "https://evil.test"})
    plane.elsewhere("POST", "/me/keys", body, status=201,
                    headers={**cookie, **SAME, "X-CSRF-Token": signed["csrf_token"]})
    plane.elsewhere("POST", "/auth/logout", {}, status=204,
                    headers={**cookie, **SAME, "X-CSRF-Token": signed["csrf_token"]})
    plane.elsewhere("GET", "/me", status=401, headers=cookie)


def test_refresh_tokens_go_round(plane, jane):
    first = tokens = sign_in(plane, jane)
    for _ in range(4):
        tokens = plane.elsewhere("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]})
        assert me(plane, tokens) == 200
    # A token that was used long ago, by somebody else: the session ends on both.
    plane.elsewhere("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]}, status=401)
    plane.elsewhere("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}, status=401)
    for node in plane.nodes:
        takes(lambda: me(node, tokens) == 401, "the API's refusal", FEED_S)


def test_64_refreshes_at_once_make_one_successor(plane, jane):
    body = {"refresh_token": sign_in(plane, jane)["refresh_token"]}
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda n: plane.request(
            "POST", "/api/v1/auth/refresh", body, source=f"127.8.{n}.1"), range(64)))
    assert {a.status for a in answers} == {200}
    assert len({a.json["refresh_token"] for a in answers}) == 1
    assert {plane.node_of(a) for a in answers} == set(plane.nodes)


def test_a_passkey_is_asked_for_here_and_answers_there(plane, jane):
    lies = {"origin": ORIGIN, "rp_id": "slipway.test"}
    tokens, passkey = sign_in(plane, jane), Passkey(counter=5)
    begun = plane.api("POST", "/me/passkeys/options", token=tokens["access_token"], status=200)
    plane.elsewhere("POST", "/me/passkeys", {"ticket": begun["ticket"], "name": "Key", "credential":
                    passkey.create(begun["options"], **lies)}, tokens["access_token"], 201)
    begun = plane.api("POST", "/auth/passkey/options", {}, status=200)
    passkey.counter += 1
    body = {"ticket": begun["ticket"], "credential": passkey.get(begun["options"], **lies)}
    assert me(plane, plane.elsewhere("POST", "/auth/passkey", body)) == 200
    plane.elsewhere("POST", "/auth/passkey", body, status=401)  # a challenge is good once, anywhere


@pytest.fixture(scope="module")
def provider(plane):
    running = liar.Provider()
    running.user = {"sub": "sub-1", "email": "fed@example.test", "email_verified": True}
    plane.api("POST", "/admin/identity-providers", {
        "name": "liar", "title": "A provider", "issuer": running.issuer, "client_id": liar.CLIENT,
        "client_secret": liar.SECRET, "rules": [{"domain": "example.test", "role": "user"}]}, plane.admin, 201)
    yield running
    running.close()


def test_the_way_to_an_identity_provider_leads_back_to_the_other_node(plane, provider):
    browser = liar.Browser(plane)
    there = liar.follow(browser.begin("liar"))
    # The last request through the balancer was the start.
    here = plane.leave()
    back = browser.come_back(there)
    assert back.status == 303 and back.headers["Location"] == "/account"
    assert plane.node_of(back) is not here
    assert browser.me().json["email"] == "fed@example.test"
    token = provider.logout_token(sub="sub-1")
    plane.elsewhere("POST", "/auth/oidc/liar/backchannel-logout",
                    urllib.parse.urlencode({"logout_token": token}), status=204,
                    headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert browser.me().status == 401


def test_a_device_code_is_approved_on_the_other_node(plane, jane):
    def form(path, status=200, **parameters):
        return plane.elsewhere("POST", "/oauth/" + path, urllib.parse.urlencode(parameters), status=status,
                               headers={"Content-Type": "application/x-www-form-urlencoded"})

    token = sign_in(plane, jane)["access_token"]
    code = form("device_authorization", client_id="slipway-cli")
    plane.elsewhere("POST", "/oauth/device", {"user_code": code["user_code"], "approve": True}, token, 204)
    polled = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "slipway-cli",
              "device_code": code["device_code"]}
    tokens = form("token", **polled)
    assert me(plane, tokens) == 200
    form("token", 400, **polled)


# The end of a session -------------------------------------------------------------------------------

def test_a_session_that_ends_is_dead_on_both_nodes(plane, jane):
    tokens = sign_in(plane, jane)
    for node in plane.nodes:
        assert me(node, tokens) == 200 and not nginx_is_dead_to(node, tokens)
    plane.elsewhere("POST", "/auth/logout", {"refresh_token": tokens["refresh_token"]}, status=204)
    for node in plane.nodes:
        takes(lambda: me(node, tokens) == 401, "the API's refusal", FEED_S)
    for node in plane.nodes:
        takes(lambda: nginx_is_dead_to(node, tokens), "nginx's refusal", DATA_PLANE_S)


# Limits ---------------------------------------------------------------------------------------------

def guess(plane, email, source, **headers):
    return plane.request("POST", "/api/v1/auth/login", {"email": email, "password": "wrong"}, source=source,
                         headers=headers).status


def test_the_client_is_what_is_counted_and_audited_not_the_balancer(plane, jane):
    here, elsewhere = "127.9.1.7", "127.9.2.7"
    nodes = set()
    for _ in range(ATTEMPTS):
        assert guess(plane, jane["email"], here) == 401
        nodes.add(plane.node_of(plane.last))
    assert nodes == set(plane.nodes)
    # What a client says of itself does not count.
    statuses = [guess(plane, jane["email"], here, **{"X-Forwarded-For": f"203.0.113.{n}",
                                                     "X-Real-IP": f"203.0.113.{n}"}) for n in range(ATTEMPTS)]
    assert statuses.count(401) <= FEW
    assert [guess(plane, jane["email"], elsewhere) for _ in range(2)] == [401, 401]
    assert sign_in(plane, jane)
    plane.source = elsewhere
    assert sign_in(plane, jane)
    entries = plane.api("GET", "/admin/audit?action=auth.login&limit=200", token=plane.admin, status=200)["items"]
    networks = {e["ip_prefix"] for e in entries if e["actor"] == jane["id"] or e["object"] == jane["id"]}
    in_time = {f"127.7.{plane.people}.0/24", "127.9.2.0/24"}
    assert in_time <= networks <= in_time | {"127.9.1.0/24"}, "refusals may be entered later"


def test_requests_of_one_address_are_limited_once_for_all_nodes(plane):
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: plane.request("GET", "/api/v1/auth/providers"), range(400)))
    refused = [a for a in answers if a.status == 429]
    assert refused and {a.status for a in answers} == {200, 429}
    problem = refused[0].json
    assert refused[0].headers["Content-Type"] == "application/problem+json"
    assert (problem["status"], problem["code"], refused[0].headers["Retry-After"]) == (429, "limit", "1")
    assert problem["request_id"] == refused[0].headers["X-Request-Id"]
    assert plane.request("GET", "/api/v1/auth/providers", source="127.9.3.1").status == 200


# Files ----------------------------------------------------------------------------------------------

def cli(plane, *words):
    done = subprocess.run([SLIPWAY, "--server", plane.url, "--ca", plane.ca, "--token", plane.admin, *words,
                           "--json"], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "HOME": str(plane.dir)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def upload_requests(node):
    lines = (node.data / "log" / "access.log").read_text().splitlines()
    return [line for line in lines if "/admin/uploads" in line]


@pytest.fixture(scope="module")
def published(plane, tmp_path_factory):
    """A package published through the balancer, which both nodes have."""
    deb = slipway.make_deb(tmp_path_factory.mktemp("deb") / "demo_1.2.0_amd64.deb", version="1.2.0",
                           size=20_000_000)
    answer = cli(plane, "publish", str(deb), "--product", "demo", "--version", "1.2.0", "--platform",
                 "linux-amd64", "--channel", "stable", "--class", "public")
    slipway.share_blobs(plane.one, plane.other)
    return answer["packages"][0]["id"], deb


def test_an_upload_stays_on_one_node_and_is_offered_by_both(plane, published):
    assert len(upload_requests(plane.one)) > 2 and not upload_requests(plane.other)
    _, deb = published
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    for _ in range(4):
        wait_until(lambda: plane.request("GET", "/api/v1" + CHECK).json["update"], "the offer", DATA_PLANE_S)
        assert plane.last.json["package"]["sha256"] == digest


def test_a_grant_of_one_node_is_a_download_from_both(plane, published):
    package, deb = published
    content = deb.read_bytes()
    granted = plane.api("POST", "/downloads/token", {"package_id": package}, status=200)
    assert granted["url"].startswith(ORIGIN + "/d/")
    path = granted["url"].removeprefix(ORIGIN)
    requests = []
    for n in range(4):
        assert plane.request("GET", path).body == content
        requests.append(plane.last.headers["X-Request-Id"])
        part = plane.request("GET", path, headers={"Range": "bytes=1000-1999"})
        assert part.status == 206 and part.body == content[1000:2000]
        requests.append(plane.last.headers["X-Request-Id"])

    def served(node):
        return {r for r in requests if r in (node.data / "log" / "events.log").read_text()}
    wait_until(lambda: served(plane.one) | served(plane.other) == set(requests), "the lines of the downloads")
    assert served(plane.one) and served(plane.other)


def test_the_balancers_logs_have_no_tokens_and_no_queries(plane, published):
    package, _ = published
    granted = plane.api("POST", "/downloads/token", {"package_id": package}, status=200)
    path = granted["url"].removeprefix(ORIGIN)
    assert plane.request("GET", path, headers={"Range": "bytes=0-9", "X-Request-Id": "logged-1"}).status == 206
    plane.request("GET", "/api/v1/auth/oidc/liar/callback?code=s3cret-code&state=slt_s3cret")
    plane.request("GET", "/api/v1/auth/providers", headers={"X-Request-Id": "logged-2"})
    assert plane.last.headers["X-Request-Id"] == "logged-2"
    wait_until(lambda: "logged-2" in plane.log.read_text(), "the line")
    written = "".join(p.read_text() for p in plane.dir.glob("*.log"))
    token = path.split("/")[2]
    for secret in (token, token[-20:], "s3cret", plane.admin):
        assert secret not in written
    lines = [json.loads(line) for line in plane.log.read_text().splitlines()]
    (line,) = [line for line in lines if line["request_id"] == "logged-1"]
    assert line["path"] == "/d/..." and line["address"] == plane.source


# HTTP, impostors, death -----------------------------------------------------------------------------

def plain(plane, path):
    with socket.create_connection(("127.0.0.1", plane.http), 10) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: s.recv(65536), b"")).decode()


def test_plain_http_redirects_people_and_refuses_secrets(plane):
    assert re.match(rf"HTTP/1.1 308 .*Location: https://{NAME}/account\r\n", plain(plane, "/account"), re.S)
    assert plain(plane, "/api/v1/me").startswith("HTTP/1.1 403 ")
    assert plain(plane, "/d/token/file").startswith("HTTP/1.1 403 ")


def test_what_is_for_operators_of_a_node_is_not_for_the_network(plane):
    for path in ("/metrics", "/readyz"):
        assert plane.request("GET", path).status == 403


def test_a_node_that_cannot_prove_who_it_is_gets_no_request(plane):
    """An impostor at the other node's address, with a certificate of somebody else for the same name."""
    heard = []

    def serve(listener, context):
        while True:
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                try:
                    raw, _ = listener.accept()
                except OSError:
                    return
                with context.wrap_socket(raw, server_side=True) as s:
                    heard.append(s.recv(65536))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(plane.ca, plane.dir / "balancer.key")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener, context), daemon=True).start()
        impostor = Impostor(plane, listener.getsockname()[1])
        try:
            answers = [impostor.request("GET", "/api/v1/auth/providers") for _ in range(10)]
        finally:
            impostor.close()
        listener.shutdown(socket.SHUT_RDWR)
    assert {a.status for a in answers} == {200}, "the true node answers"
    assert not [data for data in heard if data], heard


class Impostor(Balancer):
    """A balancer whose second node is somebody else."""

    def __init__(self, plane, port):
        self.port = port
        super().__init__(plane.one, plane.other)

    def write(self, addresses):
        super().write([addresses[0], f"127.0.0.1:{self.port}"])


def test_one_node_dies_and_the_other_serves(plane, jane, published):
    tokens = sign_in(plane, jane)
    plane.other.kill()
    try:
        for n in range(10):
            assert me(plane, tokens) == 200
            assert plane.request("GET", "/api/v1" + CHECK).json["update"]
            tokens = plane.api("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}, status=200)
        assert sign_in(plane, jane)
        granted = plane.api("POST", "/downloads/token", {"package_id": published[0]}, status=200)
        assert plane.request("GET", granted["url"].removeprefix(ORIGIN)).status == 200
    finally:
        plane.other.start()
    wait_until(lambda: plane.node_of(plane.request("GET", "/api/v1/auth/providers")) is plane.other,
               "requests to the node that is back")


def test_the_node_of_the_uploads_dies_and_the_upload_goes_on_when_it_is_back(plane):
    head = {"Tus-Resumable": "1.0.0"}
    piece = {**head, "Content-Type": "application/offset+octet-stream"}
    begun = plane.request("POST", "/api/v1/admin/uploads", None, plane.admin, {
        **head, "Upload-Length": "25", "Upload-Metadata": "filename ZGVtby5ydW4="})
    assert begun.status == 201, begun
    path = urllib.parse.urlsplit(begun.headers["Location"]).path
    assert plane.request("PATCH", path, b"#!/bin/sh\n", plane.admin, {**piece, "Upload-Offset": "0"}).status == 204
    plane.one.kill()
    try:
        refused = plane.request("PATCH", path, b"echo installed\n", plane.admin, {**piece, "Upload-Offset": "10"})
        assert (refused.status, refused.json["code"]) == (503, "busy")
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert plane.request("GET", "/api/v1/auth/providers").status == 200
    finally:
        plane.one.start()
    known = plane.request("HEAD", path, token=plane.admin, headers=head)
    assert (known.status, known.headers["Upload-Offset"]) == (200, "10")
    done = plane.request("PATCH", path, b"echo installed\n", plane.admin, {**piece, "Upload-Offset": "10"})
    assert (done.status, done.headers["Upload-Offset"]) == (204, "25")


def test_both_nodes_are_away_and_that_is_said(plane):
    nobody = Nobody(plane)
    try:
        answer = nobody.request("GET", "/api/v1/me")
        assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (503, "busy", "5")
        assert nobody.request("GET", "/d/s3cret-token/file").status == 503
        written = "".join(p.read_text() for p in nobody.dir.glob("*.log"))
        assert "s3cret-token" not in written
    finally:
        nobody.close()


class Nobody(Balancer):
    def __init__(self, plane):
        super().__init__(plane.one, plane.other)

    def write(self, addresses):
        super().write([f"127.0.0.1:{slipway.free_port()}" for _ in addresses])
