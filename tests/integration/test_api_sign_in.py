"""Set-up, sign-in, refresh, sign-out, accounts and API keys, on both databases."""
import concurrent.futures
import itertools
import re
import time

import pytest

import control
import factors
from control import ADMIN_EMAIL, PASSWORD, claims_of


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["login.attempts=5", "token.refresh_idle=10m"]) as running:
        running.count = 0
        yield running


@pytest.fixture
def jane(plane):
    """A fresh user: address and id."""
    plane.count += 1
    email = f"jane{plane.count}@example.com"
    return plane.account(plane.admin, email)


def audit(plane, **filters):
    query = "&".join(f"{k}={v}" for k, v in filters.items())
    return plane.api("GET", f"/admin/audit?limit=200&{query}", token=plane.admin, status=200)["items"]


def me(plane, token, status=200):
    answer = plane.request("GET", "/api/v1/me", token=token)
    assert answer.status == status, answer
    return answer.json


# Set-up -------------------------------------------------------------------------------------------

def test_setup_works_once():
    plane = control.Control(setup_token=True)
    try:
        plane.start()
        body = {"token": plane.setup_token, "email": ADMIN_EMAIL, "password": PASSWORD}
        for change, status, code in (
                ({"token": "sls_" + "A" * 43}, 403, "setup_token_invalid"),
                ({"token": plane.setup_token[:-1]}, 403, "setup_token_invalid"),
                ({"email": "nobody"}, 400, "invalid_member"),
                ({"password": "short"}, 400, "password_refused"),
                ({"password": "password123"}, 400, "password_refused"),
                ({"password": ADMIN_EMAIL.upper()}, 400, "password_refused")):
            plane.refused("POST", "/setup", {**body, **change}, status=status, code=code)
        # The refusals above left the token usable; of many uses at once one wins.
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(
                lambda i: plane.request("POST", "/api/v1/setup",
                                        {**body, "email": f"admin{i}@example.com"}), range(8)))
        # The losers are refused, or told to wait where password hashing has its hands full.
        statuses = sorted(a.status for a in answers)
        assert statuses[0] == 201 and set(statuses[1:]) <= {403, 429}
        assert plane.api("GET", "/admin/accounts", status=401)
        winner = next(a.json["email"] for a in answers if a.status == 201)
        # An administrator made over the network needs a second factor before anything else.
        session = plane.login(winner)
        assert session["mfa_enrolment_required"] is True
        plane.refused("GET", "/admin/accounts", token=session["access_token"], status=403,
                      code="permission_missing")
        admin = factors.enrol(plane, session)["access_token"]
        accounts = plane.api("GET", "/admin/accounts", token=admin, status=200)["items"]
        assert [a["email"] for a in accounts] == [winner] and accounts[0]["role"] == "admin"
        plane.refused("POST", "/setup", body, status=403, code="setup_token_invalid")
    finally:
        plane.close()


# Sign-in ------------------------------------------------------------------------------------------

def test_access_token_follows_rfc_9068(plane, jane):
    tokens = plane.login(jane["email"])
    assert set(tokens) == {"session_id", "access_token", "token_type", "expires_in", "refresh_token"}
    assert tokens["token_type"] == "Bearer" and tokens["expires_in"] == 600
    claims, header = claims_of(tokens["access_token"]), control.header_of(tokens["access_token"])
    assert header["typ"] == "at+jwt" and header["alg"] == "ES256" and set(header) == {"typ", "alg", "kid"}
    assert claims["sub"] == jane["id"] and claims["role"] == "user"
    assert claims["exp"] - claims["iat"] == 600
    assert {"iss", "aud", "client_id", "jti", "scope"} <= set(claims)
    kids = {k["kid"] for k in plane.request("GET", "/.well-known/jwks.json").json["keys"]}
    assert header["kid"] in kids
    assert plane.login(jane["email"])["access_token"] != tokens["access_token"]
    assert me(plane, tokens["access_token"])["account_id"] == jane["id"]


def test_address_ignores_case(plane, jane):
    plane.login(jane["email"].upper())
    plane.refused("POST", "/admin/accounts",
                  {"email": jane["email"].upper(), "role": "user", "password": PASSWORD},
                  plane.admin, status=409, code="email_taken")


def test_unknown_and_wrong_are_answered_alike(plane, jane):
    """The same code, text and headers; the work is the same by construction (password_check)."""
    answers = []
    for email, password in ((jane["email"], "wrong password"), ("unknown@example.com", PASSWORD)):
        a = plane.request("POST", "/api/v1/auth/login", {"email": email, "password": password},
                          headers={"X-Request-Id": "same"})
        answers.append((a.status, a.body, {k: v for k, v in a.headers.items() if k != "Date"}))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401 and b"invalid_credentials" in answers[0][1]


def test_sign_ins_are_recorded(plane, jane):
    plane.refused("POST", "/auth/login", {"email": jane["email"], "password": "wrong one"},
                  status=401, code="invalid_credentials", headers={"X-Request-Id": "wrong-sign-in"})
    plane.login(jane["email"])
    refused = audit(plane, action="auth.login", object=jane["id"])
    assert [(e["outcome"], e["actor"], e["request_id"], e["ip_prefix"]) for e in refused] == \
        [("refused", "anonymous", "wrong-sign-in", "203.0.113.0/24")]
    assert [e["outcome"] for e in audit(plane, action="auth.login", actor=jane["id"])] == ["ok"]


def test_guessing_is_slowed_down(plane, jane):
    body = {"email": jane["email"], "password": "wrong guess"}
    address = {"X-Slipway-Client-Address": "198.51.100.1"}
    for _ in range(5):
        plane.refused("POST", "/auth/login", body, status=401, code="invalid_credentials",
                      headers=address)
    def attempt(password):
        return plane.request("POST", "/api/v1/auth/login", {**body, "password": password}, headers=address)

    # The right one is not tried either; unless the wait happened to end just before it came.
    assert any(control.slowed_down(lambda: attempt("wrong guess"), more=9) and attempt(PASSWORD).status == 429
               for _ in range(3))
    # An unknown address is throttled alike, else the difference would tell.
    unknown = {"email": "nobody-here@example.com", "password": "x"}
    address = {"X-Slipway-Client-Address": "198.51.100.2"}
    for _ in range(5):
        plane.refused("POST", "/auth/login", unknown, status=401, code="invalid_credentials",
                      headers=address)
    control.slowed_down(lambda: plane.request("POST", "/api/v1/auth/login", unknown, headers=address))
    # After the wait it goes on.
    control.wait_until(lambda: plane.request(
        "POST", "/api/v1/auth/login", {**body, "password": PASSWORD}).status == 200, "the end of the wait")


def test_one_address_trying_many_accounts_is_slowed_down(plane):
    address = {"X-Slipway-Client-Address": "198.51.100.99"}
    statuses = [plane.request("POST", "/api/v1/auth/login",
                              {"email": f"spray{i}@example.com", "password": "x"}, headers=address).status
                for i in range(56)]
    assert statuses[:50] == [401] * 50 and 429 in statuses[50:]


def test_guessing_locks_nobody_out(plane, jane):
    """Whoever guesses waits; the owner of the account, on another network, does not notice."""
    wrong = {"email": jane["email"], "password": "wrong guess"}
    hosts = (f"192.0.2.{i}" for i in itertools.count(1))

    def guess():
        return plane.request("POST", "/api/v1/auth/login", wrong,
                             headers={"X-Slipway-Client-Address": next(hosts)})

    assert [guess().status for _ in range(5)] == [401] * 5
    control.slowed_down(guess)
    assert plane.login(jane["email"])
    # Her success does not give the other one new attempts: five would be.
    control.slowed_down(guess, more=5)


@pytest.fixture(scope="module")
def strict():
    """As few attempts as there can be: the limits that are multiples of them are soon reached."""
    running = control.Control(settings=["login.attempts=1"])
    try:
        yield running.start()
    finally:
        running.close()


@pytest.mark.parametrize("address, email, limit", [
    ("2001:db8:0:7::{:x}", "spray{}@example.com", 10),  # all addresses of a subscriber are one
    ("10.{}.0.1", "target@example.com", 20)])           # many networks, one account
def test_changing_addresses_does_not_help(strict, address, email, limit):
    statuses = [strict.request("POST", "/api/v1/auth/login",
                               {"email": email.format(i), "password": "wrong guess"},
                               headers={"X-Slipway-Client-Address": address.format(i)}).status
                for i in range(limit + 6)]
    assert statuses[:limit] == [401] * limit and 429 in statuses[limit:]


def test_many_guesses_at_once_are_all_counted(plane, jane):
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        statuses = list(pool.map(lambda i: plane.request(
            "POST", "/api/v1/auth/login", {"email": jane["email"], "password": f"guess {i}"},
            headers={"X-Slipway-Client-Address": f"198.51.100.{i + 100}"}).status, range(30)))
    assert statuses.count(401) <= 6 and statuses.count(429) >= 24, statuses


# Refresh ------------------------------------------------------------------------------------------

def refresh(plane, token, status=200):
    return plane.api("POST", "/auth/refresh", {"refresh_token": token}, status=status)


def refused(plane, token):
    plane.refused("POST", "/auth/refresh", {"refresh_token": token}, status=401, code="invalid_grant")


def test_rotation(plane, jane):
    tokens = plane.login(jane["email"])
    seen = {tokens["refresh_token"]}
    for _ in range(5):
        tokens = refresh(plane, tokens["refresh_token"])
        assert tokens["refresh_token"] not in seen
        seen.add(tokens["refresh_token"])
        assert me(plane, tokens["access_token"])["account_id"] == jane["id"]


def test_a_lost_answer_can_be_had_again(plane, jane):
    first = plane.login(jane["email"])["refresh_token"]
    second = refresh(plane, first)["refresh_token"]
    again = refresh(plane, first)
    assert again["refresh_token"] == second
    assert me(plane, again["access_token"])
    third = refresh(plane, second)["refresh_token"]
    assert len({first, second, third}) == 3


def test_reuse_ends_the_session(plane, jane):
    first = plane.login(jane["email"])["refresh_token"]
    second = refresh(plane, first)
    third = refresh(plane, second["refresh_token"])
    assert me(plane, third["access_token"])
    # The first one is two generations old: somebody has a copy.
    refused(plane, first)
    refused(plane, third["refresh_token"])
    for tokens in (second, third):
        assert me(plane, tokens["access_token"], 401)["code"] == "token_revoked"
    session = claims_of(third["access_token"])["sid"]
    assert [e["outcome"] for e in audit(plane, action="auth.session_end", object=session)] == ["reuse"]
    plane.login(jane["email"])


def test_another_session_lives_on(plane, jane):
    one, other = plane.login(jane["email"]), plane.login(jane["email"])
    latest = refresh(plane, refresh(plane, one["refresh_token"])["refresh_token"])
    refused(plane, one["refresh_token"])
    refused(plane, latest["refresh_token"])
    refresh(plane, other["refresh_token"])
    assert me(plane, other["access_token"])


def test_64_at_once_make_one_successor(plane, jane):
    token = plane.login(jane["email"])["refresh_token"]
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: refresh(plane, token), range(64)))
    assert len({a["refresh_token"] for a in answers}) == 1
    assert len({a["access_token"] for a in answers}) == 64
    assert refresh(plane, answers[0]["refresh_token"])


def test_forged_refresh_tokens_harm_nobody(plane, jane):
    token = plane.login(jane["email"])["refresh_token"]
    head, generation, tag = token.rsplit("_", 2)
    for bad in ("", "x" * 50, token + "A", token[:-1], f"{head}_2_{tag}", f"{head}_01_{tag}",
                f"{head}_1_{'A' * 43}", f"{head}_{2 ** 64}_{tag}", token.replace("slr_", "slx_"),
                "slr_" + "0" * 26 + f"_1_{tag}"):
        if bad:
            refused(plane, bad)
    refresh(plane, token)


# Sign-out -----------------------------------------------------------------------------------------

def test_sign_out_is_in_force_at_once(plane, jane):
    tokens = plane.login(jane["email"])
    assert me(plane, tokens["access_token"])
    plane.api("POST", "/auth/logout", {"refresh_token": tokens["refresh_token"]}, status=204)
    answer = me(plane, tokens["access_token"], 401)
    assert answer["code"] == "token_revoked"
    refused(plane, tokens["refresh_token"])
    # Once more, with an old token, with nonsense: nothing to do is no error.
    for token in (tokens["refresh_token"], "nonsense"):
        plane.api("POST", "/auth/logout", {"refresh_token": token}, status=204)
    session = claims_of(tokens["access_token"])["sid"]
    assert [(e["outcome"], e["actor"]) for e in audit(plane, action="auth.session_end", object=session)] \
        == [("ok", jane["id"])]


# Accounts -----------------------------------------------------------------------------------------

def patch(plane, account, **change):
    return plane.api("PATCH", f"/admin/accounts/{account['id']}", change, plane.admin, 200)


def test_disabling_is_in_force_at_once(plane, jane):
    tokens = plane.login(jane["email"])
    assert patch(plane, jane, state="disabled")["state"] == "disabled"
    assert me(plane, tokens["access_token"], 401)["code"] in ("token_revoked", "credentials_stale")
    refused(plane, tokens["refresh_token"])
    plane.refused("POST", "/auth/login", {"email": jane["email"], "password": PASSWORD}, status=403,
                  code="account_disabled")
    plane.refused("POST", "/auth/login", {"email": jane["email"], "password": "not it"}, status=401,
                  code="invalid_credentials")
    patch(plane, jane, state="active")
    assert me(plane, plane.login(jane["email"])["access_token"])
    assert me(plane, tokens["access_token"], 401)


def test_a_new_password_ends_all_sessions(plane, jane):
    sessions = [plane.login(jane["email"]) for _ in range(3)]
    patch(plane, jane, password="another long password")
    for tokens in sessions:
        me(plane, tokens["access_token"], 401)
        refused(plane, tokens["refresh_token"])
    plane.refused("POST", "/auth/login", {"email": jane["email"], "password": PASSWORD}, status=401,
                  code="invalid_credentials")
    plane.login(jane["email"], "another long password")


def test_a_new_role_needs_new_tokens_but_no_new_sign_in(plane, jane):
    tokens = plane.login(jane["email"])
    patch(plane, jane, role="guest")
    assert me(plane, tokens["access_token"], 401)["code"] == "credentials_stale"
    renewed = refresh(plane, tokens["refresh_token"])
    assert me(plane, renewed["access_token"])["role"] == "guest"
    assert claims_of(renewed["access_token"])["role"] == "guest"


def test_changes_are_checked(plane, jane):
    for change, status, code in (({"email": "nobody"}, 400, "invalid_member"),
                                 ({"email": ADMIN_EMAIL}, 409, "email_taken"),
                                 ({"role": "root"}, 400, "unknown_role"),
                                 ({"password": "12345678"}, 400, "password_refused"),
                                 ({"password": jane["email"]}, 400, "password_refused"),
                                 ({"organisation": "org_none"}, 400, "unknown_organisation"),
                                 ({"state": "asleep"}, 400, "invalid_member"),
                                 ({"epoch": 7}, 400, "unknown_member"),
                                 ({"password_hash": "x"}, 400, "unknown_member")):
        plane.refused("PATCH", f"/admin/accounts/{jane['id']}", change, plane.admin, status=status,
                      code=code)
    plane.refused("PATCH", "/admin/accounts/acc_none", {"role": "user"}, plane.admin, status=404,
                  code="account_not_found")
    unchanged = plane.api("GET", f"/admin/accounts/{jane['id']}", token=plane.admin)
    assert unchanged == jane and plane.login(jane["email"])


def test_organisations(plane, jane):
    name = f"Acme {plane.count}"
    acme = plane.api("POST", "/admin/organisations", {"name": name}, plane.admin, 201)
    plane.refused("POST", "/admin/organisations", {"name": name}, plane.admin, status=409,
                  code="name_taken")
    for bad in (" x", "x ", "org_1"):
        plane.refused("POST", "/admin/organisations", {"name": bad}, plane.admin, status=400,
                      code="invalid_member")
    for key in (acme["id"], name.replace(" ", "%20")):
        assert plane.api("GET", f"/admin/organisations/{key}", token=plane.admin) == acme
    assert patch(plane, jane, organisation=name)["organisation"] == acme["id"]
    assert claims_of(plane.login(jane["email"])["access_token"])["org"] == acme["id"]
    assert patch(plane, jane, organisation=None)["organisation"] is None
    listed = plane.api("GET", "/admin/organisations?limit=200", token=plane.admin)["items"]
    assert acme in listed


def test_the_last_administrator_stays(plane):
    root = plane.api("GET", f"/admin/accounts/{ADMIN_EMAIL}", token=plane.admin)
    for change in ({"state": "disabled"}, {"role": "user"}):
        plane.refused("PATCH", f"/admin/accounts/{root['id']}", change, plane.admin, status=409,
                      code="last_admin")
    second = plane.account(plane.admin, "second-admin@example.com", "admin")
    tokens = [plane.login(e)["access_token"] for e in (ADMIN_EMAIL, second["email"])]
    # Each disables the other at the same time: one must remain.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda p: plane.request(
            "PATCH", f"/api/v1/admin/accounts/{p[1]['id']}", {"state": "disabled"}, p[0]),
            ((tokens[0], second), (tokens[1], root))))
    left = [a for a in (root, second) if plane.request(
        "POST", "/api/v1/auth/login", {"email": a["email"], "password": PASSWORD}).status == 200]
    assert len(left) >= 1, answers
    # Put things back for the tests that follow.
    plane.admin = plane.login(left[0]["email"])["access_token"]
    for account in (root, second):
        patch(plane, account, state="active")
    patch(plane, second, role="user")
    plane.admin = plane.login(ADMIN_EMAIL)["access_token"]


def test_nobody_lifts_themselves(plane, jane):
    """A key that may write accounts but not more cannot make, become or touch an administrator."""
    key = plane.api("POST", "/admin/keys", {"name": "accounts", "permissions": [
        "account.read", "account.write", "product.read", "self.read", "self.write",
        "download.request"]}, plane.admin, 201)["key"]
    root = plane.api("GET", f"/admin/accounts/{ADMIN_EMAIL}", token=key, status=200)
    for method, path, body in (
            ("POST", "/admin/accounts", {"email": "x@example.com", "role": "admin", "password": PASSWORD}),
            ("PATCH", f"/admin/accounts/{jane['id']}", {"role": "admin"}),
            ("PATCH", f"/admin/accounts/{root['id']}", {"password": "taken over by a key"}),
            ("PATCH", f"/admin/accounts/{root['id']}", {"email": "mine@example.com"})):
        plane.refused(method, path, body, key, status=403, code="role_beyond_yours")
    assert plane.api("POST", "/admin/accounts", {"email": f"by-key-{plane.count}@example.com",
                                                 "role": "user", "password": PASSWORD}, key, 201)
    plane.login(ADMIN_EMAIL)


def test_lists_page(plane):
    for i in range(5):
        plane.account(plane.admin, f"page{i}@paging.example", "guest")
    whole = plane.api("GET", "/admin/accounts?limit=200", token=plane.admin)
    assert whole["next_cursor"] is None
    for size in (1, 3, len(whole["items"])):
        got, cursor = [], ""
        while True:
            page = plane.api("GET", f"/admin/accounts?limit={size}&cursor={cursor}", token=plane.admin)
            got += page["items"]
            assert len(page["items"]) <= size
            cursor = page["next_cursor"]
            if not cursor:
                break
        assert got == whole["items"]


# API keys -----------------------------------------------------------------------------------------

def test_api_key_life(plane):
    made = plane.api("POST", "/admin/keys", {"name": "ci", "permissions": ["product.read", "audit.read",
                                                                          "product.read"]},
                     plane.admin, 201)
    key = made.pop("key")
    assert re.fullmatch(r"slk_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{39}", key)
    assert made["permissions"] == ["product.read", "audit.read"] and made["expires_at"]
    who = me(plane, key)
    assert who["kind"] == "api_key" and who["permissions"] == ["product.read", "audit.read"]
    plane.api("GET", "/admin/audit", token=key, status=200)
    plane.refused("GET", "/admin/accounts", token=key, status=403, code="permission_missing")
    listed = next(k for k in plane.api("GET", "/admin/keys?limit=200", token=plane.admin)["items"]
                  if k["id"] == made["id"])
    assert listed["last_used_at"] and key not in str(listed) and listed["public_id"] in key
    plane.api("DELETE", f"/admin/keys/{made['id']}", token=plane.admin, status=204)
    plane.refused("GET", "/me", token=key, status=401, code="api_key_invalid")
    plane.api("DELETE", f"/admin/keys/{made['id']}", token=plane.admin, status=204)
    plane.refused("DELETE", "/admin/keys/key_none", token=plane.admin, status=404, code="key_not_found")


def test_api_keys_are_bounded(plane):
    for body, status, code in (
            ({"permissions": ["no.such"]}, 400, "unknown_permission"),
            ({"permissions": []}, 400, "invalid_member"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, 400, "invalid_member"),
            ({"expires_at": "2099-01-01T00:00:00Z"}, 400, "invalid_member"),
            ({"key": "mine"}, 400, "unknown_member")):
        plane.refused("POST", "/admin/keys", {"name": "x", "permissions": ["product.read"], **body},
                      plane.admin, status=status, code=code)
    weak = plane.api("POST", "/admin/keys", {"name": "weak", "permissions": ["key.write"]}, plane.admin,
                     201)["key"]
    plane.refused("POST", "/admin/keys", {"name": "strong", "permissions": ["account.write"]}, weak,
                  status=403, code="permission_missing")


def test_api_keys_expire(plane):
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    key = plane.api("POST", "/admin/keys", {"name": "brief", "permissions": ["product.read"],
                                            "expires_at": soon}, plane.admin, 201)["key"]
    assert me(plane, key)
    control.wait_until(lambda: plane.request("GET", "/api/v1/me", token=key).status == 401, "the end")


def test_a_key_does_not_outlive_its_owners_rights(plane):
    owner = plane.account(plane.admin, "key-owner@example.com", "admin")
    token = plane.login(owner["email"])["access_token"]
    key = plane.api("POST", "/admin/keys", {"name": "k", "permissions": ["account.read", "product.read"]},
                    token, 201)["key"]
    plane.api("GET", "/admin/accounts", token=key, status=200)
    patch(plane, owner, role="user")
    assert me(plane, key)["permissions"] == ["product.read"]
    plane.refused("GET", "/admin/accounts", token=key, status=403, code="permission_missing")
    patch(plane, owner, state="disabled")
    plane.refused("GET", "/me", token=key, status=401, code="api_key_invalid")


# Devices ------------------------------------------------------------------------------------------

@pytest.fixture
def device(plane, jane):
    """An activated device of jane's: its tokens."""
    product = f"vpn{plane.count}"
    plane.api("POST", "/admin/products", {"name": product, "title": "VPN"}, plane.admin, 201)
    licence = plane.api("POST", "/admin/licences", {"account": jane["id"], "product": product,
                                                    "entitlements": ["pro"], "max_devices": 1},
                        plane.admin)
    tokens = plane.api("POST", "/licences/activate", {
        "licence_key": licence["licence_key"],
        "device": {"name": "laptop", "os": "linux", "arch": "amd64", "fingerprint": "f" * 32}})
    tokens["manifest"] = f"/packages/manifest?product={product}"
    return tokens


def test_a_device_refreshes_all_its_tokens(plane, jane, device):
    renewed = refresh(plane, device["refresh_token"])
    claims = claims_of(renewed["device_token"])
    assert claims["sub"] == device["device_id"] and claims["acc"] == jane["id"]
    assert control.header_of(renewed["device_token"])["typ"] == "slipway-device+jwt"
    for token in (device["device_token"], renewed["device_token"], renewed["access_token"]):
        plane.api("GET", device["manifest"], token=token, status=200)
    # A device token opens nothing that needs a person.
    for path in ("/me", "/admin/accounts", "/admin/downloads"):
        plane.refused("GET", path, token=renewed["device_token"], status=401, code="token_wrong_kind")


def test_a_device_has_no_part_in_its_owners_rights(plane, jane, device):
    patch(plane, jane, role="admin")
    renewed = refresh(plane, device["refresh_token"])
    plane.refused("GET", "/admin/accounts", token=renewed["access_token"], status=403,
                  code="permission_missing")
    patch(plane, jane, role="user")


def test_a_device_does_not_tell_of_its_owner(plane, device):
    """Whoever has the licence key learns neither whose it is nor where they sign in from."""
    for path, code in (("/me", "account_needed"), ("/me/sessions", "permission_missing")):
        plane.refused("GET", path, token=device["access_token"], status=403, code=code)


def test_devices_end_with_their_account(plane, jane, device):
    patch(plane, jane, state="disabled")
    assert plane.refused("GET", device["manifest"], token=device["device_token"], status=401,
                         code="credentials_stale")
    for token in (device["access_token"],):
        assert plane.request("GET", "/api/v1/me", token=token).status == 401
    refused(plane, device["refresh_token"])


def test_a_removed_device_is_out_at_once(plane, device):
    plane.api("DELETE", f"/admin/devices/{device['device_id']}", token=plane.admin, status=204)
    for token in (device["device_token"], device["access_token"]):
        assert plane.request("GET", "/api/v1" + device["manifest"], token=token).status == 401
    refused(plane, device["refresh_token"])


# Audit and restart --------------------------------------------------------------------------------

def test_changes_are_recorded_by_whom(plane, jane):
    key = plane.api("POST", "/admin/keys", {"name": "auditor", "permissions": [
        "account.write", "product.read", "self.read", "self.write", "download.request"]},
        plane.admin, 201)
    plane.api("PATCH", f"/admin/accounts/{jane['id']}", {"role": "guest"}, key["key"], 200,
              headers={"X-Request-Id": "by-the-key"})
    entry = audit(plane, object=jane["id"])[0]
    assert (entry["action"], entry["actor"], entry["request_id"]) == \
        ("account.change", key["id"], "by-the-key")
    assert entry["detail"] == {"role": {"from": "user", "to": "guest"}}


def test_sessions_survive_a_restart_and_ends_do_too(plane, jane):
    lives, ended = plane.login(jane["email"]), plane.login(jane["email"])
    plane.api("POST", "/auth/logout", {"refresh_token": ended["refresh_token"]}, status=204)
    assert plane.stop() == 0
    plane.start()
    assert me(plane, lives["access_token"])
    refresh(plane, lives["refresh_token"])
    me(plane, ended["access_token"], 401)
    refused(plane, ended["refresh_token"])


def test_no_secret_is_stored_or_logged(plane):
    """The database file, the published state and the log, searched for what must not be there."""
    tokens = plane.login(ADMIN_EMAIL)
    key = plane.api("POST", "/admin/keys", {"name": "s", "permissions": ["product.read"]}, plane.admin,
                    201)["key"]
    assert plane.stop() == 0
    secrets = [s.encode() for s in (tokens["refresh_token"], tokens["access_token"], key, PASSWORD,
                                    key[18:])]
    for path in [plane.log, *(p for p in plane.data.rglob("*") if p.is_file())]:
        content = path.read_bytes()
        for secret in secrets:
            assert secret not in content, path
    plane.start()
