"""Who has no account here is answered as who has one, and costs as much: nobody learns from an answer, or
from how long it took, which addresses have accounts. The work is counted here, which no load can disturb;
`scripts/nightly.sh timing` measures the clock."""
import re

import pytest
from aiosmtpd.controller import Controller

import control
from control import PASSWORD
from slipway import free_port

SAID_ONCE = ("x-request-id", "date")


class Nowhere:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"


@pytest.fixture(scope="module")
def plane(database):
    port = free_port()
    mails = Controller(Nowhere(), hostname="127.0.0.1", port=port)
    mails.start()
    running = control.Control(database, ["login.attempts=1000", f"mail.server=smtp://127.0.0.1:{port}",
                                         "mail.from=slipway@example.com", "public_url=https://vpn.example.com"])
    try:
        running.start()
        running.admin = running.administrator()
        for name in ("known", "disabled", "no-password", "two-factors"):
            running.account(running.admin, f"{name}@example.com")
        running.api("PATCH", "/admin/accounts/disabled@example.com", {"state": "disabled"}, running.admin, 200)
        running.sql("UPDATE accounts SET password_hash = '' WHERE email = 'no-password@example.com'")
        running.sql("INSERT INTO factors (id, account_id, kind, name, state, secret, counter, created_at) SELECT "
                    "'fac_1', id, 'totp', 'n', 'active', secret, 0, created_at FROM accounts, (SELECT "
                    f"{control.blob(running, 1)} AS secret) AS s WHERE email = 'two-factors@example.com'")
        yield running
    finally:
        running.close()
        mails.stop()


def hashes(plane):
    text = plane.request("GET", "/metrics").body.decode()
    return int(re.search(r"^slipway_password_hashes_total (\d+)$", text, re.MULTILINE)[1])


def ask(plane, path, body):
    """What is said to it, and how many passwords were hashed for it: all else is little beside that."""
    before = hashes(plane)
    answer = plane.request("POST", "/api/v1" + path, body)
    said = {k: v for k, v in answer.json.items() if k != "request_id"}
    headers = sorted((k.lower(), v) for k, v in answer.headers.items() if k.lower() not in SAID_ONCE)
    return answer.status, said, headers, hashes(plane) - before


ADDRESSES = ["unknown@example.com", "known@example.com", "KNOWN@example.com", "disabled@example.com",
             "no-password@example.com", "two-factors@example.com"]


def test_a_wrong_password(plane):
    first, *others = [ask(plane, "/auth/login", {"email": a, "password": "wrong"}) for a in ADDRESSES]
    assert (first[0], first[1]["code"]) == (401, "invalid_credentials")
    assert first[3] == 1, "the password of nobody is hashed, too"
    assert others == [first] * len(others)


def test_the_right_password_tells_its_owner_only(plane):
    plane.refused("POST", "/auth/login", {"email": "disabled@example.com", "password": PASSWORD}, status=403,
                  code="account_disabled")


def test_a_forgotten_password(plane):
    first, *others = [ask(plane, "/auth/password-reset", {"email": a}) for a in ADDRESSES]
    assert (first[0], first[3]) == (202, 0)
    assert others == [first] * len(others)


def test_a_passkeys_options_are_for_nobody(plane):
    """They are asked for before anybody is named, and list no passkeys."""
    options = plane.api("POST", "/auth/passkey/options", {}, status=200)["options"]
    assert "allowCredentials" not in options
    plane.refused("POST", "/auth/passkey/options", {"email": "known@example.com"}, status=400,
                  code="unknown_member")


def test_an_organisations_administrator_learns_of_nobody_elsewhere(plane):
    plane.api("POST", "/admin/organisations", {"name": "Here"}, plane.admin, 201)
    plane.api("POST", "/admin/products", {"name": "vpn"}, plane.admin, 201)
    plane.api("POST", "/admin/roles", {"name": "of-here", "own_organisation": True, "permissions": [
        "account.read", "account.write", "licence.read", "licence.write"]}, plane.admin, 201)
    plane.account(plane.admin, "here@example.com", "of-here", organisation="Here")
    token = plane.login("here@example.com")["access_token"]
    for method, path, body in (("GET", "/admin/accounts/{0}", None), ("GET", "/admin/licences?account={0}", None),
                               ("PATCH", "/admin/accounts/{0}", {}), ("GET", "/admin/accounts/{0}/sessions", None),
                               ("POST", "/admin/licences", {"account": "{0}", "product": "vpn", "max_devices": 1})):
        said = set()
        for address in ("unknown@example.com", "known@example.com"):
            sent = body and {k: v.format(address) if isinstance(v, str) else v for k, v in body.items()}
            answer = plane.request(method, "/api/v1" + path.format(address), sent, token)
            said.add((answer.status, answer.json["code"], answer.json["detail"].replace(address, "X")))
        assert len(said) == 1 and said.pop()[:2] == (404, "account_not_found"), f"{method} {path}"
