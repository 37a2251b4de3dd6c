"""Passkeys: as second factor, alone, as fresh proof, and everything an authenticator, a browser or
somebody in between can lie about; on both databases."""
import os
import time

import pytest

import control
import factors
from authenticator import (AT, ED, EDDSA, ES256, ES384, ORIGIN, RS256, UP, UV, Key, Passkey, b64, cbor,
                           unb64)
from control import PASSWORD


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["public_url=" + ORIGIN, "auth.second_factor_roles=guest"]) as running:
        running.count = 0
        yield running


@pytest.fixture
def jane(plane):
    plane.count += 1
    return plane.account(plane.admin, f"jane{plane.count}@example.com")["email"]


def begin(plane, token):
    return plane.api("POST", "/me/passkeys/options", token=token, status=200)


def register(plane, token, passkey, name="Key", **lies):
    begun = begin(plane, token)
    return plane.api("POST", "/me/passkeys", {"ticket": begun["ticket"], "name": name,
                     "credential": passkey.create(begun["options"], **lies)}, token, 201)


def register_refused(plane, token, passkey, status, code, **lies):
    begun = begin(plane, token)
    return plane.refused("POST", "/me/passkeys", {"ticket": begun["ticket"], "name": "Key",
                         "credential": passkey.create(begun["options"], **lies)}, token,
                         status=status, code=code)


@pytest.fixture
def enrolled(plane, jane):
    """An address, a passkey of it, and a session that enrolled it."""
    session, passkey = plane.login(jane), Passkey(counter=5)
    passkey.codes = register(plane, session["access_token"], passkey)["recovery_codes"]
    return jane, passkey, session


def ask(plane, path="/auth/passkey/options", body=None, token=None):
    if body is None and path.startswith("/auth/passkey"):
        body = {}
    return plane.api("POST", path, body, token, 200)


def sign_in(plane, passkey, begun=None, **lies):
    begun = begun or ask(plane)
    passkey.counter += 1
    return {"ticket": begun["ticket"], "credential": passkey.get(begun["options"], **lies)}


def refused(plane, body, code="invalid_passkey"):
    return plane.refused("POST", "/auth/passkey", body, status=401, code=code)


def methods(plane, session):
    token = session["access_token"]
    listed = plane.api("GET", "/me/sessions", token=token, status=200)["items"]
    return next(s["methods"] for s in listed if s["current"])


def waiting(plane, email):
    answer = plane.request("POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD})
    assert answer.status == 401 and answer.json["code"] == "mfa_required", answer
    return answer.json


# What works -----------------------------------------------------------------------------------------

def test_options_for_a_new_passkey(plane, jane):
    token = plane.login(jane)["access_token"]
    options = begin(plane, token)["options"]
    assert options["rp"] == {"id": "vpn.example.com", "name": "Slipway"}
    assert options["attestation"] == "none" and options["timeout"] == 300000
    assert [p["alg"] for p in options["pubKeyCredParams"]] == [ES256, EDDSA, RS256]
    assert options["user"]["name"] == jane and len(unb64(options["challenge"])) == 32
    account = plane.api("GET", "/me", token=token)["account_id"]
    assert unb64(options["user"]["id"]).decode() == account


@pytest.mark.parametrize("alg", [ES256, EDDSA, RS256])
def test_signing_in_with_nothing_else(plane, jane, alg):
    here, elsewhere = plane.login(jane), plane.login(jane)
    passkey = Passkey(alg)
    made = register(plane, here["access_token"], passkey, name="Käthe's key")
    assert len(set(made["recovery_codes"])) == 10 and made["name"] == "Käthe's key"
    plane.refused("GET", "/me", token=elsewhere["access_token"], status=401, code="token_revoked")
    begun = ask(plane)
    assert begun["options"]["userVerification"] == "required"
    assert "allowCredentials" not in begun["options"]
    # An authenticator that does not count says 0 each time.
    for _ in range(2):
        session = plane.api("POST", "/auth/passkey", sign_in(plane, passkey, counter=0), status=200)
        assert methods(plane, session) == ["passkey"]
        mine = plane.api("GET", "/me", token=session["access_token"], status=200)
        assert mine["email"] == jane
    listed = plane.api("GET", "/me/factors", token=session["access_token"], status=200)["factors"]
    assert [(f["kind"], f["name"]) for f in listed] == [("passkey", "Käthe's key")]
    assert listed[0]["last_used_at"]


def test_as_second_factor(plane, enrolled):
    email, passkey, _ = enrolled
    problem = waiting(plane, email)
    assert problem["methods"] == ["passkey", "recovery_code"]
    begun = ask(plane, body={"mfa_token": problem["mfa_token"]})
    assert [unb64(c["id"]) for c in begun["options"]["allowCredentials"]] == [passkey.id]
    # Presence is enough where there was a password; such authenticators name nobody.
    answer = sign_in(plane, passkey, begun, flags=UP, user=None)
    body = {"mfa_token": problem["mfa_token"], "passkey": answer}
    session = plane.api("POST", "/auth/second-factor", body, status=200)
    assert methods(plane, session) == ["pwd", "hwk"]
    body = {"mfa_token": waiting(plane, email)["mfa_token"], "recovery_code": passkey.codes[0]}
    assert plane.api("POST", "/auth/second-factor", body, status=200)


def test_as_fresh_proof(plane, enrolled):
    email, passkey, session = enrolled
    token = session["access_token"]
    plane.sql(f"UPDATE sessions SET authenticated_at = {int((time.time() - 901) * 1e6)} "
              f"WHERE id = '{session['session_id']}'")
    plane.refused("POST", "/me/passkeys/options", token=token, status=403, code="step_up_required")
    begun = ask(plane, "/auth/step-up/options", token=token)
    assert len(begun["options"]["allowCredentials"]) == 1
    plane.refused("POST", "/auth/step-up", {"passkey": sign_in(plane, passkey, begun,
                  origin="https://evil.example")}, token, status=403, code="invalid_passkey")
    begun = ask(plane, "/auth/step-up/options", token=token)
    plane.api("POST", "/auth/step-up", {"passkey": sign_in(plane, passkey, begun)}, token, 204)
    begin(plane, token)


def test_a_browser_session(plane, enrolled):
    _, passkey, _ = enrolled
    body = {**sign_in(plane, passkey), "session": "cookie"}
    plane.refused("POST", "/auth/passkey", body, status=403, code="csrf")
    answer = plane.request("POST", "/api/v1/auth/passkey", body,
                           headers={"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN})
    assert answer.status == 200 and "__Host-sid=" in answer.headers["Set-Cookie"], answer
    assert "access_token" not in answer.json


def test_a_role_that_must_have_a_factor(plane, jane):
    plane.account(plane.admin, "g-" + jane, "guest")
    session, passkey = plane.login("g-" + jane), Passkey()
    assert session["mfa_enrolment_required"]
    made = register(plane, session["access_token"], passkey)
    session = plane.api("POST", "/auth/passkey", sign_in(plane, passkey), status=200)
    assert "mfa_enrolment_required" not in session
    path, token = f"/me/passkeys/{made['id']}", session["access_token"]
    plane.refused("DELETE", path, token=token, status=403, code="factor_required")
    other = register(plane, token, Passkey())
    assert other["recovery_codes"] == []
    plane.api("DELETE", path, token=token, status=204)
    refused(plane, sign_in(plane, passkey))
    plane.refused("DELETE", f"/me/passkeys/{other['id']}", token=token, status=403,
                  code="factor_required")


def test_removing_the_last(plane, enrolled):
    email, passkey, session = enrolled
    token = session["access_token"]
    factor = plane.api("GET", "/me/factors", token=token)["factors"][0]["id"]
    plane.refused("DELETE", f"/me/passkeys/{factor}", token=plane.admin, status=404, code="not_found")
    plane.refused("DELETE", f"/me/totp/{factor}", token=token, status=404, code="not_found")
    plane.api("DELETE", f"/me/passkeys/{factor}", token=token, status=204)
    assert plane.login(email)
    refused(plane, sign_in(plane, passkey))


# Lies about a new one -------------------------------------------------------------------------------

LIES = {
    "type": ({"type": "webauthn.get"}, "another kind"),
    "challenge": ({"challenge": b64(bytes(32))}, "another challenge"),
    "origin": ({"origin": "https://vpn.example.com.evil.example"}, "another origin"),
    "port": ({"origin": ORIGIN + ":8443"}, "another origin"),
    "http": ({"origin": "http://vpn.example.com"}, "another origin"),
    "frame": ({"cross_origin": True}, "frame"),
    "rp_id": ({"rp_id": "example.com"}, "another site"),
    "nobody": ({"flags": UV | AT}, "nobody was present"),
    "no_json": ({"client_data": b"{}"}, "clientDataJSON"),
    "truncated_json": ({"client_data": b'{"type":"webauthn.create"'}, "clientDataJSON"),
    "twice": ({"client_data": b'{"type":"webauthn.create","type":"webauthn.create"}'},
              "clientDataJSON"),
}
NEW_LIES = {
    **LIES,
    "none_in_it": ({"flags": UP | UV}, "cannot be read"),
    "none_at_all": ({"flags": UP, "rest": b""}, "no new passkey"),
    "packed": ({"fmt": "packed"}, "attestationObject"),
    "statement": ({"statement": {"x": 1}}, "attestationObject"),
    "tail": ({"tail": b"\0"}, "cannot be read"),
    "es384": ({"cose": cbor(Key(ES384).cose())}, "algorithm"),
    "alg_confusion": ({"cose": cbor({**Key(ES256).cose(), 3: RS256})}, "algorithm"),
    "alg_unknown": ({"cose": cbor({**Key(ES256).cose(), 3: -65535})}, "algorithm"),
    "no_alg": ({"cose": cbor({1: 2, -1: 1})}, "algorithm"),
    "beside_the_curve": ({"cose": cbor({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)})},
                         "algorithm"),
    "no_cose": ({"cose": b""}, "cannot be read"),
    "array_of_4_billion": ({"cose": b"\x9a\xff\xff\xff\xff"}, "cannot be read"),
    "map_of_2_to_63": ({"cose": b"\xbb" + b"\xff" * 8}, "cannot be read"),
    "nested": ({"cose": b"\xa1\x01" * 300 + b"\x01"}, "cannot be read"),
    "indefinite": ({"cose": b"\xbf\xff"}, "cannot be read"),
    "id_too_long": ({"id_length": 1024}, "cannot be read"),
    "id_empty": ({"id_length": 0}, "cannot be read"),
    "cbor_text": ({"attestation": b"\x78\xff"}, "attestationObject"),
    "cbor_four": ({"attestation": cbor({"fmt": "none", "attStmt": {}, "authData": b"x", "x": 1})},
                  "attestationObject"),
    "cbor_same": ({"attestation": cbor({"fmt": "none", "attStmt": {}})[:0] + b"\xa3" +
                   b"".join([cbor("fmt") + cbor("none")] * 3)}, "attestationObject"),
}


@pytest.fixture(scope="module")
def mallory(plane):
    return plane.login(plane.account(plane.admin, "mallory@example.com")["email"])["access_token"]


@pytest.mark.parametrize("name", NEW_LIES)
def test_lies_about_a_new_one(plane, mallory, name):
    lies, why = NEW_LIES[name]
    detail = register_refused(plane, mallory, Passkey(), 400, "invalid_passkey", **lies)
    assert why in detail
    assert plane.api("GET", "/me/factors", token=mallory)["factors"] == []


def test_truncated_everywhere(plane, mallory):
    """Each prefix of an attestation object that is right as a whole."""
    passkey = Passkey()
    begun = begin(plane, mallory)
    whole = unb64(passkey.create(begun["options"])["response"]["attestationObject"])
    for cut in list(range(1, len(whole), 7)) + [len(whole) - 1]:
        register_refused(plane, mallory, passkey, 400, "invalid_passkey", attestation=whole[:cut])


@pytest.mark.parametrize("change", [
    {"id": "x" * 1400, "rawId": "x" * 1400}, {"rawId": b64(b"other")}, {"type": "password"},
    {"id": "not base64url!"}, {"id": 5}, {"response": None}, {"response": {}},
    {"response": {"clientDataJSON": b64(bytes(5000)), "attestationObject": "AA"}},
    {"response": {"clientDataJSON": "AA", "attestationObject": b64(bytes(9000))}}])
def test_credentials_that_are_none(plane, mallory, change):
    begun = begin(plane, mallory)
    credential = {**Passkey().create(begun["options"]), **change}
    detail = plane.refused("POST", "/me/passkeys", {"ticket": begun["ticket"], "name": "Key",
                           "credential": credential}, mallory, status=400, code="invalid_value")
    assert "'credential." in detail


def test_the_longest_id_and_extensions(plane, jane):
    token = plane.login(jane)["access_token"]
    register(plane, token, Passkey(credential_id=os.urandom(1023)))
    register(plane, token, Passkey(), flags=UP | UV | AT | ED, tail=cbor({"credProtect": 2}))


def test_a_credential_is_registered_once(plane, enrolled, mallory):
    _, passkey, session = enrolled
    copy = Passkey(credential_id=passkey.id)
    register_refused(plane, mallory, copy, 409, "passkey_exists")
    register_refused(plane, session["access_token"], copy, 409, "passkey_exists")
    known = begin(plane, session["access_token"])["options"]["excludeCredentials"]
    assert [unb64(c["id"]) for c in known] == [passkey.id]


def test_challenges_are_good_once_for_one_thing(plane, jane, mallory):
    token, passkey = plane.login(jane)["access_token"], Passkey()

    def answer(begun, who):
        body = {"ticket": begun["ticket"], "name": "Key",
                "credential": passkey.create({**begin(plane, token)["options"],
                                              "challenge": begun["options"]["challenge"]})}
        return plane.request("POST", "/api/v1/me/passkeys", body, who)

    for begun, who in ((begin(plane, mallory), token), (ask(plane), token)):
        refusal = answer(begun, who)
        assert (refusal.status, refusal.json["code"]) == (403, "challenge_invalid"), refusal
    begun = begin(plane, token)
    assert answer(begun, token).status == 201
    assert answer(begun, token).json["code"] == "challenge_invalid"
    begun = begin(plane, token)
    plane.sql("UPDATE tickets SET expires_at = 1 WHERE purpose = 'passkey'")
    assert answer(begun, token).json["code"] == "challenge_invalid"


def test_not_too_many(plane, jane):
    token = plane.login(jane)["access_token"]
    for _ in range(20):
        register(plane, token, Passkey())
    plane.refused("POST", "/me/passkeys/options", token=token, status=409, code="too_many_factors")


def test_keys_and_strangers(plane):
    key = plane.api("POST", "/admin/keys", {"name": "k", "permissions": ["self.read", "self.write"]},
                    plane.admin, 201)["key"]
    for path in ("/me/passkeys/options", "/auth/step-up/options"):
        plane.refused("POST", path, token=key, status=403, code="session_required")
    plane.refused("POST", "/auth/passkey/options", {"mfa_token": "slt_" + "A" * 43}, status=401,
                  code="mfa_token_invalid")


# Lies when signing in -------------------------------------------------------------------------------

GET_LIES = {
    **{k: v for k, v in LIES.items() if k not in ("type", "nobody")},
    "type": ({"type": "webauthn.create"}, "another kind"),
    "nobody": ({"flags": UV}, "nobody was present"),
    "unverified": ({"flags": UP}, "did not verify its user"),
    "signature": ({"signature": bytes(70)}, "signature"),
    "no_signature": ({"signature": b"x"}, "signature"),
    "other_key": ({"key": Key(ES256)}, "signature"),
    "rs256_signature": ({"key": Key(RS256)}, "signature"),
    "other_id": ({"id": b"unknown"}, "not registered"),
    "other_user": ({"user": b"acc_other"}, "another account"),
    "no_user": ({"user": None}, "another account"),
    "tail": ({"tail": b"\xa0"}, "cannot be read"),
    "credential_flag": ({"flags": UP | UV | AT}, "cannot be read"),
    "huge_extensions": ({"flags": UP | UV | ED, "tail": b"\x9a\xff\xff\xff\xff"}, "cannot be read"),
}


@pytest.mark.parametrize("name", GET_LIES)
def test_lies_when_signing_in(plane, enrolled, name):
    _, passkey, _ = enrolled
    lies, why = GET_LIES[name]
    begun = ask(plane)
    assert why in refused(plane, sign_in(plane, passkey, begun, **lies))
    # The challenge is gone, whatever the answer was.
    refused(plane, sign_in(plane, passkey, begun), "challenge_invalid")
    assert plane.api("POST", "/auth/passkey", sign_in(plane, passkey), status=200)


def test_an_answer_counts_once(plane, enrolled):
    _, passkey, _ = enrolled
    body = sign_in(plane, passkey)
    plane.api("POST", "/auth/passkey", body, status=200)
    refused(plane, body, "challenge_invalid")


def test_challenges_of_other_uses(plane, enrolled):
    email, passkey, session = enrolled
    mfa = waiting(plane, email)["mfa_token"]
    step_up = ask(plane, "/auth/step-up/options", token=session["access_token"])
    refused(plane, sign_in(plane, passkey, step_up), "challenge_invalid")
    refused(plane, sign_in(plane, passkey, ask(plane, body={"mfa_token": mfa})), "challenge_invalid")
    body = {"mfa_token": mfa, "passkey": sign_in(plane, passkey)}
    plane.refused("POST", "/auth/second-factor", body, status=401, code="challenge_invalid")
    plane.refused("POST", "/auth/second-factor", {**body, "otp": "123456"}, status=400,
                  code="missing_member")


def test_a_passkey_of_another_account(plane, enrolled):
    """Whoever knows Jane's password comes with a passkey of their own."""
    email, _, _ = enrolled
    other = Passkey()
    thief = plane.account(plane.admin, "thief-" + email)["email"]
    register(plane, plane.login(thief)["access_token"], other)
    mfa = waiting(plane, email)["mfa_token"]
    for user in (None, b"acc_x", other.user):
        begun = ask(plane, body={"mfa_token": mfa})
        plane.refused("POST", "/auth/second-factor",
                      {"mfa_token": mfa, "passkey": sign_in(plane, other, begun, user=user)},
                      status=401, code="invalid_passkey")


@pytest.mark.parametrize("counter", [0, 4, 5])
def test_a_counter_that_goes_back(plane, enrolled, counter):
    _, passkey, session = enrolled
    refused(plane, sign_in(plane, passkey, counter=counter), "passkey_copied")
    factor = plane.api("GET", "/me/factors", token=session["access_token"])["factors"][0]["id"]
    found = plane.api("GET", f"/admin/audit?action=auth.passkey&object={factor}", token=plane.admin,
                      status=200)["items"]
    assert len(found) == 1 and found[0]["outcome"] == "refused"
    assert plane.api("POST", "/auth/passkey", sign_in(plane, passkey, counter=7), status=200)


def test_a_disabled_account(plane, enrolled):
    email, passkey, _ = enrolled
    plane.api("PATCH", f"/admin/accounts/{email}", {"state": "disabled"}, plane.admin, 200)
    plane.refused("POST", "/auth/passkey", sign_in(plane, passkey), status=403,
                  code="account_disabled")


def test_an_app_beside_it(plane, enrolled):
    """Either of the two will do."""
    email, passkey, session = enrolled
    app, codes = factors.enrol_app(plane, session["access_token"])
    assert codes == [] and waiting(plane, email)["methods"] == ["totp", "passkey", "recovery_code"]
    body = {"mfa_token": waiting(plane, email)["mfa_token"], "otp": app.password()}
    assert plane.api("POST", "/auth/second-factor", body, status=200)
    assert plane.api("POST", "/auth/passkey", sign_in(plane, passkey), status=200)
