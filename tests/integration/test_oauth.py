"""OAuth for tools: a program signed in from a browser, and what becomes of its tokens."""
import contextlib
import re
import urllib.parse

import pytest

import control
from control import ADMIN_EMAIL, claims_of

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["login.attempts=20"]) as running:
        yield running


def form(plane, path, bearer=None, status=200, raw=None, **parameters):
    body = raw if raw is not None else urllib.parse.urlencode(parameters)
    answer = plane.request("POST", "/api/v1/oauth/" + path, body, bearer,
                           headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


def refused(plane, path, error, status=400, **more):
    answer = form(plane, path, status=status, **more)
    assert answer["error"] == error and set(answer) <= {"error", "error_description"}, answer


def begin(plane, client_id="slipway-cli", **more):
    return form(plane, "device_authorization", client_id=client_id, **more)


def poll(plane, code, client_id="slipway-cli", **more):
    return form(plane, "token", grant_type=DEVICE_CODE, device_code=code["device_code"],
                client_id=client_id, **more)


def pending(plane, code, error="authorization_pending"):
    refused(plane, "token", error, grant_type=DEVICE_CODE, device_code=code["device_code"],
            client_id="slipway-cli")


def decide(plane, code, token, approve=True, status=204):
    return plane.api("POST", "/oauth/device", {"user_code": code["user_code"], "approve": approve}, token,
                     status)


# Forms --------------------------------------------------------------------------------------------

def test_forms_are_strict(plane):
    for raw in ("grant_type=x&grant_type=x", "grant_type", "=x", "grant_type=%zz", "grant_type=%ff", "",
                "a=1&a=2&grant_type=x", "grant_type=", "%00=1&grant_type=x",
                "&".join(f"p{i}=1" for i in range(40))):
        refused(plane, "token", "invalid_request", raw=raw)
    refused(plane, "token", "unsupported_grant_type", grant_type="password")
    refused(plane, "token", "unsupported_grant_type", raw="grant_type=a+b&unknown=ignored")
    refused(plane, "token", "invalid_request", grant_type=DEVICE_CODE)
    refused(plane, "token", "invalid_grant", grant_type="refresh_token", refresh_token="slr_none")
    for kind in ("application/json", "text/plain"):
        answer = plane.request("POST", "/api/v1/oauth/token", "{}", headers={"Content-Type": kind})
        assert (answer.status, answer.json["error"]) == (400, "invalid_request")


def test_metadata(plane):
    data = plane.request("GET", "/.well-known/oauth-authorization-server").json
    assert data["issuer"].startswith("https://")
    for name in ("token_endpoint", "device_authorization_endpoint", "introspection_endpoint",
                 "revocation_endpoint", "jwks_uri"):
        assert data[name].startswith(data["issuer"].rstrip("/") + "/")
    assert DEVICE_CODE in data["grant_types_supported"]


def test_tokens_are_of_the_issuer_in_the_metadata():
    """RFC 9068, section 4: who verifies a token compares the two letter for letter."""
    with contextlib.closing(control.Control("sqlite", ["public_url=https://vpn.example.com/dl"])) as plane:
        plane.start()
        issuer = plane.request("GET", "/.well-known/oauth-authorization-server").json["issuer"]
        token = plane.administrator()
        claims = claims_of(token)
        assert claims["iss"] == claims["aud"] == issuer == "https://vpn.example.com/dl"
        assert plane.api("GET", "/me", token=token, status=200)


def test_a_host_that_is_none_becomes_no_url(plane):
    for host in ("evil.example/x?", "evil.example@x", "a b", "x" * 300):
        answer = plane.request("GET", "/.well-known/oauth-authorization-server", headers={"Host": host})
        assert (answer.status, answer.json["code"]) == (400, "host_invalid"), host


# Device codes -------------------------------------------------------------------------------------

def test_a_device_is_signed_in(plane):
    code = begin(plane)
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", code["user_code"])
    assert (code["expires_in"], code["interval"]) == (600, 5)
    assert code["verification_uri"].endswith("/device")
    assert code["verification_uri_complete"].endswith("/device?user_code=" + code["user_code"])
    pending(plane, code)
    typed = urllib.parse.quote(code["user_code"].replace("-", " ").lower())
    shown = plane.api("GET", f"/oauth/device?user_code={typed}", token=plane.admin, status=200)
    assert shown["client_id"] == "slipway-cli" and shown["network"] == "203.0.113.0/24"
    decide(plane, code, plane.admin)
    plane.refused("POST", "/oauth/device", {"user_code": code["user_code"], "approve": False}, plane.admin,
                  status=404, code="user_code_unknown")
    refused(plane, "token", "invalid_grant", grant_type=DEVICE_CODE, client_id="slipway-client",
            device_code=code["device_code"])
    tokens = poll(plane, code)
    assert tokens["token_type"] == "Bearer" and tokens["expires_in"] > 0
    me = plane.api("GET", "/me", token=tokens["access_token"], status=200)
    assert me["email"] == ADMIN_EMAIL and "account.write" in me["permissions"]
    # Once.
    pending(plane, code, "invalid_grant")
    second = form(plane, "token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert plane.api("GET", "/me", token=second["access_token"], status=200)


def test_refusal_and_expiry(plane):
    code = begin(plane)
    decide(plane, code, plane.admin, approve=False)
    pending(plane, code, "access_denied")
    pending(plane, code, "invalid_grant")
    code = begin(plane)
    plane.sql("UPDATE device_codes SET expires_at = 1")
    pending(plane, code, "expired_token")
    plane.refused("POST", "/oauth/device", {"user_code": code["user_code"], "approve": True}, plane.admin,
                  status=404, code="user_code_unknown")


def test_impatience(plane):
    code = begin(plane)
    pending(plane, code)
    pending(plane, code, "slow_down")
    pending(plane, code, "slow_down")
    # What was decided is not withheld from the impatient.
    decide(plane, code, plane.admin)
    assert poll(plane, code)["access_token"]


def test_beginnings_of_strangers_are_counted(database, postgresql):
    """Each writes a row. Those that lead to a sign-in do not count."""
    with control.running(database if database == "sqlite" else postgresql(), ["login.attempts=1"]) as plane:
        code = begin(plane)
        decide(plane, code, plane.admin)
        assert poll(plane, code)["access_token"]
        for _ in range(100):
            begin(plane)
        # Each one let through doubles the wait, from a second.
        answers = [plane.request("POST", "/api/v1/oauth/device_authorization", "client_id=slipway-cli",
                                 headers={"Content-Type": "application/x-www-form-urlencoded"})
                   for _ in range(6)]
        waits = [a for a in answers if a.status == 429]
        assert waits and waits[0].json["error"] == "temporarily_unavailable"
        assert 1 <= int(waits[0].headers["Retry-After"]) <= 64


def test_nothing_is_stored_that_opens_anything(plane):
    code = begin(plane)
    dump = str(plane.request("GET", "/api/v1/admin/audit?limit=200", token=plane.admin).body)
    assert code["user_code"] not in dump and code["device_code"] not in plane.log.read_text()


def test_scope(plane):
    refused(plane, "device_authorization", "invalid_scope", client_id="slipway-cli", scope="no.such")
    refused(plane, "device_authorization", "invalid_client", client_id="other", status=401)
    # A customer's client has nothing of an administrator, whatever it asks for and whoever signs it in.
    refused(plane, "device_authorization", "invalid_scope", client_id="slipway-client",
            scope="account.write")
    code = begin(plane, "slipway-client")
    decide(plane, code, plane.admin)
    tokens = poll(plane, code, "slipway-client")
    plane.refused("GET", "/admin/accounts", token=tokens["access_token"], status=403,
                  code="permission_missing")
    # Nor after a refresh.
    second = form(plane, "token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    plane.refused("GET", "/admin/accounts", token=second["access_token"], status=403,
                  code="permission_missing")
    code = begin(plane, scope="release.write self.write self.read product:vpn")
    decide(plane, code, plane.admin)
    narrow = poll(plane, code)
    assert set(narrow["scope"].split()) == {"release.write", "self.write", "self.read", "product:vpn"}
    # A narrow session signs no wider one in.
    code = begin(plane)
    decide(plane, code, narrow["access_token"])
    assert set(poll(plane, code)["scope"].split()) == set(narrow["scope"].split())
    code = begin(plane, scope="account.read")
    decide(plane, code, narrow["access_token"])
    assert poll(plane, code)["scope"] == "product:vpn"


def test_the_proof_is_the_approving_sessions(plane):
    """Signing a device in is no way to a fresh proof, nor to outlive the session that did it."""
    def grow_old(session_id):
        plane.sql("UPDATE sessions SET authenticated_at = 0 WHERE id = '%s'" % session_id)

    session = plane.login(ADMIN_EMAIL)
    code = begin(plane)
    decide(plane, code, session["access_token"])
    tokens = poll(plane, code)
    key = {"name": "x", "permissions": ["product.read"]}
    plane.api("POST", "/me/keys", key, tokens["access_token"], 201)
    grow_old(session["session_id"])
    grow_old(claims_of(tokens["access_token"])["sid"])
    # A stolen session makes no new one, which would live on.
    for token in (session["access_token"], tokens["access_token"]):
        plane.refused("POST", "/me/keys", key, token, status=403, code="step_up_required")
        code = begin(plane)
        plane.refused("POST", "/oauth/device", {"user_code": code["user_code"], "approve": True}, token,
                      status=403, code="step_up_required")
        pending(plane, code)
        decide(plane, code, token, approve=False)
    session = plane.login(ADMIN_EMAIL)
    code = begin(plane)
    decide(plane, code, session["access_token"])
    plane.api("POST", "/auth/logout", {}, session["access_token"], 204)
    pending(plane, code, "access_denied")


def test_only_a_person_decides(plane):
    code = begin(plane)
    key = plane.api("POST", "/me/keys", {"name": "x", "permissions": ["self.write"]}, plane.admin, 201)
    body = {"user_code": code["user_code"], "approve": True}
    plane.refused("POST", "/oauth/device", body, key["key"], status=403, code="session_needed")
    plane.refused("POST", "/oauth/device", body, status=401, code="authentication_required")


def test_guessing_is_slowed_down(plane):
    jane = plane.account(plane.admin, "guesser@example.com")
    token = plane.login(jane["email"])["access_token"]
    for i in range(40):
        plane.refused("GET", "/oauth/device?user_code=BCDF-%s" % ("GHJK" if i % 2 else "nonsense"),
                      token=token, status=404, code="user_code_unknown")
    plane.refused("GET", "/oauth/device?user_code=BCDF-GHJK", token=token, status=429,
                  code="user_code_throttled")
    # Nobody else is.
    code = begin(plane)
    plane.api("GET", f"/oauth/device?user_code={code['user_code']}", token=plane.admin, status=200)


# Giving back and asking ---------------------------------------------------------------------------

def test_revocation(plane):
    for kind in ("refresh_token", "access_token"):
        session = plane.login(ADMIN_EMAIL)
        form(plane, "revoke", token=session[kind], token_type_hint="nonsense")
        assert plane.request("GET", "/api/v1/me", token=session["access_token"]).status == 401
        refused(plane, "token", "invalid_grant", grant_type="refresh_token",
                refresh_token=session["refresh_token"])
        form(plane, "revoke", token=session[kind])
    form(plane, "revoke", token="nonsense")
    refused(plane, "revoke", "unsupported_token_type", token="slk_live_x")


def test_introspection(plane):
    key = plane.api("POST", "/me/keys", {"name": "rs", "permissions": ["token.introspect"]}, plane.admin,
                    201)["key"]
    session = plane.login(ADMIN_EMAIL)
    token = session["access_token"]
    said = form(plane, "introspect", key, token=token)
    claims = claims_of(token)
    assert said["active"] and said["sub"] == claims["sub"] and said["exp"] == claims["exp"]
    assert "account.write" in said["scope"].split()
    assert form(plane, "introspect", key, token=token[:-4] + "AAAA") == {"active": False}
    assert form(plane, "introspect", key, token="x") == {"active": False}
    plane.api("POST", "/auth/logout", {}, token, 204)
    assert form(plane, "introspect", key, token=token) == {"active": False}
    weak = plane.api("POST", "/me/keys", {"name": "w", "permissions": ["self.read"]}, plane.admin, 201)["key"]
    answer = plane.request("POST", "/api/v1/oauth/introspect", "token=x", weak,
                           headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status, answer.json["error"]) == (403, "insufficient_scope")
    answer = plane.request("POST", "/api/v1/oauth/introspect", "token=x",
                           headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_refresh_token_is_its_clients(plane):
    code = begin(plane)
    decide(plane, code, plane.admin)
    tokens = poll(plane, code)
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refused(plane, "token", "invalid_grant", client_id="slipway-client", **again)
    # Nothing was used up.
    assert form(plane, "token", client_id="slipway-cli", **again)["access_token"]


def test_a_new_password_makes_a_program_no_wider(plane):
    account = plane.account(plane.admin, "narrow@example.com", "admin")["email"]
    code = begin(plane, scope="self.read self.write")
    decide(plane, code, plane.login(account)["access_token"])
    token = plane.api("POST", "/me/password", {
        "current_password": control.PASSWORD, "new_password": "another long password"},
        poll(plane, code)["access_token"], 200)["access_token"]
    assert set(plane.api("GET", "/me", token=token, status=200)["permissions"]) == {"self.read", "self.write"}
