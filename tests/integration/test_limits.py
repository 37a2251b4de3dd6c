"""How many requests one account, one API key and one network may make, and what sign-ins may cost."""
import re
import threading

import pytest

import control
import slipway
from slipway import wait_until


# Accounts and keys ----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def plane(database):
    running = control.Control(database, ["limit.account=1", "limit.key=2"])
    try:
        yield running.start()
    finally:
        running.close()


def ask(plane, token=None):
    return plane.request("GET", "/api/v1/me", token=token)


def left(answer):
    """What the headers say: kind, requests left, seconds until all are."""
    kind, requests, seconds = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', answer.headers["RateLimit"]).groups()
    return kind, int(requests), int(seconds)


def exhaust(plane, token, kind, quota):
    """Asks until refused; gives how often it was not."""
    answers = []
    while not answers or answers[-1].status != 429:
        answers.append(ask(plane, token))
        assert answers[-1].headers["RateLimit-Policy"] == f'"{kind}";q={quota};w=10'
        assert left(answers[-1])[0] == kind and 0 <= left(answers[-1])[2] <= 10
        assert len(answers) < 5 * quota, "nobody is refused"
    refused = answers.pop()
    assert {a.status for a in answers} == {200}
    assert control.check_problem(refused)["code"] == "too_many_requests"
    assert left(refused)[1] == 0 and refused.headers["Retry-After"] == "1"
    return len(answers)


def test_an_account_with_all_its_sessions(plane):
    admin = plane.administrator()
    for name in ("jane", "john"):
        plane.account(admin, f"{name}@example.com")
    one, other = (plane.login("jane@example.com")["access_token"] for _ in range(2))
    john = plane.login("john@example.com")["access_token"]

    # Nobody is counted for a credential that is not good.
    for _ in range(15):
        forged = ask(plane, one[:-4] + "AAAA")
        assert forged.status == 401 and "RateLimit" not in forged.headers
    assert "RateLimit" not in ask(plane).headers
    assert left(ask(plane, one)) == ("account", 9, 1)

    assert exhaust(plane, one, "account", 10) >= 9
    refused = [ask(plane, token) for token in (other, one)]
    assert 429 in {a.status for a in refused}, "each session has requests of its own"
    assert ask(plane, john).status == 200 and left(ask(plane, john))[1] >= 8
    wait_until(lambda: ask(plane, other).status == 200, "the next request", 5)


def test_a_device_apart_from_its_owner(plane):
    """A stolen one does not keep its owner from ending it."""
    admin = plane.administrator()
    plane.account(admin, "owner@example.com")
    plane.api("POST", "/admin/products", {"name": "vpn"}, admin, 201)
    licence = plane.api("POST", "/admin/licences", {"account": "owner@example.com", "product": "vpn",
                                                    "max_devices": 2}, admin, 201)
    tokens = [plane.api("POST", "/licences/activate", {"licence_key": licence["licence_key"], "device": {
        "name": n, "os": "linux", "arch": "amd64", "fingerprint": n * 20}}, status=200) for n in "xy"]
    stolen, other = (t["access_token"] for t in tokens)
    statuses = [ask(plane, stolen).status for _ in range(30)]
    assert statuses[0] == 403 and 429 in statuses
    assert left(ask(plane, stolen))[0] == "device"
    assert ask(plane, other).status == 403, "each device has requests of its own"
    owner = plane.login("owner@example.com")["access_token"]
    assert exhaust(plane, owner, "account", 10) >= 9


def test_a_key_apart_from_its_owner(plane):
    admin = plane.administrator()
    keys = [plane.api("POST", "/admin/keys", {"name": name, "permissions": ["self.read"]},
                      admin, 201)["key"] for name in ("one", "other")]

    for key in keys:
        assert exhaust(plane, key, "key", 20) >= 20
    assert ask(plane, admin).status == 200


# Networks -------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def node():
    # Behind a proxy, as which the test says where its requests come from.
    running = slipway.Server(settings=["listen.trusted_proxies=127.0.0.1", "limit.api=1", "limit.check=1"])
    try:
        yield running.start()
    finally:
        running.close()


PATHS = ["/.well-known/jwks.json", "/api/v1/updates/check?product=none&version=1.0.0&platform=linux-amd64"]


@pytest.mark.parametrize("path", PATHS)
def test_a_network_of_ipv6_is_one_client(node, path):
    def statuses(addresses):
        return [node.request("GET", path, headers={"X-Forwarded-For": a}).status for a in addresses]

    assert 429 in statuses(f"2001:db8:1:2:{i:x}:{i:x}::{i:x}" for i in range(1, 30))
    assert 429 not in statuses(f"2001:db8:1:{i:x}::1" for i in range(3, 12)), "others pay for it"
    assert 429 not in statuses(f"198.51.100.{i}" for i in range(1, 10)), "IPv4 is counted whole"
    assert 429 not in statuses(f"::ffff:203.0.113.{i}" for i in range(1, 10)), "IPv4 in IPv6, too"
    assert 429 in statuses(["192.0.2.1"] * 30)


# Sign-ins -------------------------------------------------------------------------------------------

def test_a_storm_of_sign_ins_stops_no_download(tmp_path):
    """Hashing passwords is the dearest thing strangers can ask for: it waits at its gate, or is refused."""
    running = slipway.Server(settings=["limit.api=1000", "login.attempts=1000"])
    try:
        running.start()
        running.admin("POST", "/admin/products", {"name": "demo"}, status=201)
        deb = slipway.make_deb(tmp_path / "demo_1.0.0_amd64.deb", version="1.0.0", size=100_000)
        package = running.publish(deb, "demo", "1.0.0")["packages"][0]
        statuses, over = [], threading.Event()

        def sign_in(i):
            while not over.is_set():
                body = {"email": f"nobody{i}@example.com", "password": "not the password"}
                answer = running.api("POST", "/auth/login", body)
                statuses.append(answer.status)
                assert answer.status != 429 or answer.headers["Retry-After"]

        storm = [threading.Thread(target=sign_in, args=(i,)) for i in range(40)]
        for thread in storm:
            thread.start()
        slipway.wait_until(lambda: 429 in statuses, "a sign-in that finds the gate full")
        for _ in range(20):
            assert running.api("GET", "/updates/check?product=demo&version=0.9.0&platform=linux-amd64",
                               status=200).json["update"]
            grant = running.api("POST", "/downloads/token", {"package_id": package["id"]}, status=200).json
            got = running.request("GET", "/d/" + grant["url"].split("/d/", 1)[1])
            assert got.status == 200 and got.body == deb.read_bytes()
        over.set()
        for thread in storm:
            thread.join()
        assert set(statuses) == {401, 429}, "some are served, the others told to come back"
    finally:
        running.close()
