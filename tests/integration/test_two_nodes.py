"""Two nodes, each with its own data directory, nginx and published state, over one PostgreSQL: what is
done on one is in force on the other."""
import concurrent.futures
import contextlib
import hashlib
import shutil
import subprocess
import time

import pytest

import slipway
from slipway import ADMIN_PASSWORD, SLIPWAY

CHECK = "/updates/check?product=demo&version=1.0.0&platform=linux-amd64"
FEED_S, DATA_PLANE_S = 1.0, 2.0


class Pair:
    def __init__(self, one, other):
        self.one, self.other, self.count = one, other, 0

    def customer(self):
        """A fresh account and what a sign-in on the first node gives it."""
        self.count += 1
        email = f"jane{self.count}@example.com"
        account = self.one.admin("POST", "/admin/accounts", {
            "email": email, "role": "user", "password": ADMIN_PASSWORD}, status=201).json
        return account, sign_in(self.one, email)


@pytest.fixture(scope="module")
def database_url(postgresql):
    return postgresql()


@pytest.fixture(scope="module")
def pair(database_url):
    with contextlib.ExitStack() as stack:
        settings = ["limit.api=1000", "database.sessions=8"]
        one = slipway.Server(database_url, settings)
        stack.callback(one.close)
        one.start()
        other = slipway.Server(database_url, settings, admin=False, beside=one)
        stack.callback(other.close)
        other.start()
        one.cli("product", "create", "demo")
        yield Pair(one, other)


def sign_in(node, email, **more):
    return node.api("POST", "/auth/login", {"email": email, "password": ADMIN_PASSWORD, **more},
                    status=200, headers={"Sec-Fetch-Site": "same-origin", "Origin": node.url}
                    if more else {})


def me(node, **headers):
    return node.api("GET", "/me", headers=headers).status


def bearer(tokens):
    return {"Authorization": "Bearer " + tokens["access_token"]}


def takes(condition, what, limit):
    """Waits for it; asserts that it took no longer than is promised."""
    begun = time.monotonic()
    slipway.wait_until(condition, what)
    took = time.monotonic() - begun
    assert took < limit, f"{what}: {took:.2f} s"


def nginx_is_dead_to(node, tokens):
    answer = node.api("GET", CHECK, token=tokens["access_token"])
    return answer.status == 401 or answer.json["reason"] == "credentials_stale"


# Joining --------------------------------------------------------------------------------------------

def init(data, database_url):
    return subprocess.run([SLIPWAY, "init", "--data", data, "--database", database_url],
                          capture_output=True, text=True, timeout=60)


def test_a_node_without_the_keys_of_the_others_is_refused(pair, database_url, tmp_path):
    data = tmp_path / "third"
    refused = init(data, database_url)
    assert refused.returncode == 5 and "keys/" in refused.stderr, refused
    assert not list((data / "keys").iterdir()), "keys of its own would be taken for the database's"

    for key in (pair.one.data / "keys").glob("*.pem"):
        shutil.copy(key, data / "keys")
    refused = init(data, database_url)
    assert refused.returncode == 5 and "keys/" in refused.stderr, refused

    (data / "keys" / "secret.key").write_bytes(b"another installation's secret...")
    refused = init(data, database_url)
    assert refused.returncode == 6 and "keys/" in refused.stderr, refused
    assert not (data / "slipway.conf").exists()

    shutil.copy(pair.one.data / "keys" / "secret.key", data / "keys")
    joined = init(data, database_url)
    assert joined.returncode == 0, joined.stderr
    assert "another node" in joined.stdout and "sls_" not in joined.stdout, \
        "there are administrators: no set-up token is lying about"


# Sessions -------------------------------------------------------------------------------------------

def test_a_session_is_known_on_both(pair):
    account, answer = pair.customer()
    cookie = sign_in(pair.one, account["email"], session="cookie").headers["Set-Cookie"].split(";")[0]
    assert me(pair.other, Cookie=cookie) == 200, "cookies are looked up: at once"
    # Its account's epoch may not have come by the feed yet.
    takes(lambda: me(pair.other, **bearer(answer.json)) == 200, "the access token", FEED_S)
    renewed = pair.other.api("POST", "/auth/refresh", {"refresh_token": answer.json["refresh_token"]},
                             status=200).json
    takes(lambda: me(pair.one, **bearer(renewed)) == 200, "the renewed access token", FEED_S)


def test_a_session_ended_here_is_dead_there(pair):
    account, answer = pair.customer()
    tokens = answer.json
    cookie = sign_in(pair.one, account["email"], session="cookie").headers["Set-Cookie"].split(";")[0]
    takes(lambda: me(pair.other, **bearer(tokens)) == 200, "the access token", FEED_S)
    assert not nginx_is_dead_to(pair.other, tokens)
    pair.one.api("POST", "/auth/logout", {"refresh_token": tokens["refresh_token"]}, status=204)
    takes(lambda: me(pair.other, **bearer(tokens)) == 401, "the API's refusal", FEED_S)
    takes(lambda: nginx_is_dead_to(pair.other, tokens), "nginx's refusal", DATA_PLANE_S)
    pair.other.api("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}, status=401)
    # The browser's session is another one, and ends too when its owner says so on the other node.
    fresh = sign_in(pair.other, account["email"]).json
    pair.other.api("DELETE", "/me/sessions", token=fresh["access_token"], status=204)
    assert me(pair.one, Cookie=cookie) == 401, "cookies are looked up: at once"


def test_64_refreshes_over_both_make_one_successor(pair):
    _, answer = pair.customer()
    body = {"refresh_token": answer.json["refresh_token"]}
    nodes = [pair.one, pair.other] * 32
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda node: node.api("POST", "/auth/refresh", body), nodes))
    assert {a.status for a in answers} == {200}, {a.status for a in answers}
    assert len({a.json["refresh_token"] for a in answers}) == 1
    assert len({a.json["access_token"] for a in answers}) == 64


def test_a_disabled_account_is_out_everywhere(pair):
    account, answer = pair.customer()
    tokens = answer.json
    takes(lambda: me(pair.other, **bearer(tokens)) == 200, "the access token", FEED_S)
    pair.one.admin("PATCH", f"/admin/accounts/{account['id']}", {"state": "disabled"}, status=200)
    takes(lambda: me(pair.other, **bearer(tokens)) == 401, "the API's refusal", FEED_S)
    takes(lambda: nginx_is_dead_to(pair.other, tokens), "nginx's refusal", DATA_PLANE_S)
    assert me(pair.one, **bearer(tokens)) == 401
    for node in (pair.one, pair.other):
        node.api("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}, status=401)
        node.api("POST", "/auth/login", {"email": account["email"], "password": ADMIN_PASSWORD},
                 status=403)


# Releases -------------------------------------------------------------------------------------------

def test_a_release_published_here_is_offered_and_served_there(pair, tmp_path):
    deb = slipway.make_deb(tmp_path / "demo_1.2.0_amd64.deb", version="1.2.0", size=200_000)
    published = pair.one.publish(deb, "demo", "1.2.0")
    takes(lambda: pair.other.api("GET", CHECK).json["update"], "the offer", DATA_PLANE_S)
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    assert pair.other.api("GET", CHECK).json["package"]["sha256"] == digest
    slipway.share_blobs(pair.one, pair.other)

    # Granted by one, downloaded from the other: the token's keys and the file are known there.
    granted = pair.one.api("POST", "/downloads/token", {"package_id": published["packages"][0]["id"]},
                           status=200).json
    path = "/d/" + granted["url"].split("/d/", 1)[1]
    whole = pair.other.request("GET", path)
    assert whole.status == 200 and hashlib.sha256(whole.body).hexdigest() == digest
    pair.one.cli("release", "withdraw", "demo@1.2.0", "--reason", "for the test")
    takes(lambda: pair.other.request("GET", path).status != 200, "the end of the download", DATA_PLANE_S)
    takes(lambda: not pair.other.api("GET", CHECK).json["update"], "the offer's end", DATA_PLANE_S)
