"""Keyless publishing: jobs of a CI provider exchange its token for a short-lived one of ours. An issuer
of our own making that lies, identities that end, tokens in wrong places. Both databases."""
import concurrent.futures
import time
import urllib.parse

import pytest

import ci
import control
from ci import exchange, github_claims, gitlab_claims
from control import ADMIN_EMAIL, claims_of

HERE = "https://slipway.test"
PUBLISH = ["upload.write", "release.write", "release.read.draft", "release.publish.stable"]


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["net.allow_insecure_loopback=true", "login.attempts=1000",
                                    f"public_url={HERE}"]) as running:
        for name in ("vpn", "desk"):
            running.api("POST", "/admin/products", {"name": name, "title": name}, running.admin, 201)
        yield running


@pytest.fixture(scope="module")
def issuer():
    running = ci.Issuer()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def honest(plane, issuer):
    issuer.lie, issuer.job = None, github_claims()
    yield
    for one in plane.api("GET", "/admin/workload-identities", token=plane.admin, status=200)["items"]:
        plane.api("DELETE", f"/admin/workload-identities/{one['id']}", token=plane.admin, status=204)


def conditions(**wanted):
    return [{"claim": claim, "pattern": pattern} for claim, pattern in wanted.items()]


def make(plane, issuer, name="release", token=None, status=201, wanted=None, **more):
    body = {"name": name, "issuer": issuer.issuer, "permissions": PUBLISH, "products": ["vpn"],
            "conditions": conditions(**(wanted or {"repository": "acme/vpn", "ref": "refs/tags/v*"})),
            **more}
    return plane.api("POST", "/admin/workload-identities", body, token or plane.admin, status)


def audit(plane, **filters):
    return plane.api("GET", "/admin/audit?limit=200&" + urllib.parse.urlencode(filters),
                     token=plane.admin, status=200)["items"]


# The exchange -------------------------------------------------------------------------------------

def test_a_job_gets_a_token(plane, issuer):
    made = make(plane, issuer)
    got = exchange(plane, issuer.token(HERE))
    assert got["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert (got["token_type"], got["expires_in"]) == ("Bearer", 900)
    assert set(got["scope"].split()) == {*PUBLISH, "product:vpn"}
    assert "refresh_token" not in got
    claims = claims_of(got["access_token"])
    assert claims["sub"] == claims["client_id"] == made["id"] and made["id"].startswith("wli_")
    assert claims["exp"] - claims["iat"] == 900
    plane.api("GET", "/admin/releases?product=vpn", token=got["access_token"], status=200)
    plane.refused("GET", "/admin/releases?product=desk", token=got["access_token"], status=403,
                  code="beyond_scope")
    plane.refused("GET", "/admin/accounts", token=got["access_token"], status=403, code="permission_missing")
    shown = plane.api("GET", "/admin/workload-identities/release", token=plane.admin, status=200)
    assert shown["last_used_at"] and shown["owner"] == ADMIN_EMAIL
    offered = plane.request("GET", "/.well-known/oauth-authorization-server").json
    assert ci.EXCHANGE in offered["grant_types_supported"]


def test_a_job_of_gitlab(plane, issuer):
    make(plane, issuer, wanted={"project_path": "acme/vpn", "ref_path": "refs/tags/v*", "ref_protected": "true"})
    assert exchange(plane, issuer.token(HERE, gitlab_claims()))["access_token"]
    error, why = exchange(plane, issuer.token(HERE, gitlab_claims(ref="nightly")), 400)
    assert error == "invalid_grant" and "'ref_path' is 'refs/tags/nightly'" in why


def test_lists_of_one_audience_are_an_audience(plane, issuer):
    """As Kubernetes writes it."""
    make(plane, issuer)
    assert exchange(plane, issuer.token([HERE]), subject_token_type=ci.JWT.replace("jwt", "id_token"))


def lying(issuer):
    now = int(time.time())
    return {
        "iss": issuer.token(HERE, iss="https://token.actions.githubusercontent.com"),
        "no iss": issuer.token(HERE, iss=None),
        "aud": issuer.token("https://another.test"),
        "aud of another service": issuer.token("sts.amazonaws.com"),
        "no aud": issuer.token(None),
        "several audiences": issuer.token([HERE, "https://another.test"]),
        "kid": issuer.token(HERE, header={"kid": "k2"}),
        "alg none": issuer.token(HERE, header={"alg": "none"}),
        "HS256 with the public key": issuer.token(HERE, header={"alg": "HS256"}),
        "RS512": issuer.token(HERE, header={"alg": "RS512"}),
        "another typ": issuer.token(HERE, header={"typ": "logout+jwt"}),
        "crit": issuer.token(HERE, header={"crit": ["exp"]}),
        "signed by another": issuer.token(HERE, key=issuer.other),
        "expired": issuer.token(HERE, iat=now - 900, exp=now - 60),
        "from the future": issuer.token(HERE, iat=now + 600, exp=now + 900),
        "not yet": issuer.token(HERE, nbf=now + 600),
        "issued long ago": issuer.token(HERE, iat=now - 3700, exp=now + 300),
        "no exp": issuer.token(HERE, exp=None),
        "no iat": issuer.token(HERE, iat=None),
        "no sub": issuer.token(HERE, sub=None),
        "a fork's name": issuer.token(HERE, github_claims("acme/vpn-evil")),
        "a longer name": issuer.token(HERE, github_claims("evil/acme/vpn")),
        "another owner": issuer.token(HERE, github_claims("evil/vpn")),
        "upper case": issuer.token(HERE, github_claims("Acme/vpn")),
        "a branch": issuer.token(HERE, github_claims(ref="refs/heads/v1")),
        "a tag below": issuer.token(HERE, github_claims(ref="refs/tags/v1/evil")),
        "a pull request": issuer.token(HERE, github_claims(ref="refs/pull/1/merge", event_name="pull_request")),
        "an array": issuer.token(HERE, repository=["acme/vpn"]),
        "no repository": issuer.token(HERE, repository=None),
        "empty": ".", "garbage": "garbage", "three parts": "a.b.c",
    }


def test_lies(plane, issuer):
    make(plane, issuer)
    for lie, token in lying(issuer).items():
        error, why = exchange(plane, token, 400)
        assert error == "invalid_grant" and why.endswith("."), lie
    assert exchange(plane, issuer.token(HERE))["access_token"]
    refused = control.wait_until(lambda: audit(plane, action="workload.exchange", outcome="refused"), "the refusals")
    reasons = {e["detail"]["reason"] for e in refused}
    assert {"wrong_audience", "expired", "several_audiences", "too_old", "claim:repository", "claim:ref"} <= reasons
    # Whose signature is wrong is a stranger, who is nobody to write down.
    assert not reasons & {"bad_signature", "unknown_key", "malformed"}
    assert "repo:acme/vpn-evil:ref:refs/tags/v1.2.0" in {e["object"] for e in refused}


def test_what_did_not_fit_is_told(plane, issuer):
    """To whose repository it is; strangers learn nothing but what they know."""
    make(plane, issuer, wanted={"environment": "production", "repository": "acme/vpn"})
    _, why = exchange(plane, issuer.token(HERE), 400)
    assert why == "No workload identity fits this job: it has no 'environment'."
    _, why = exchange(plane, issuer.token(HERE, environment="staging"), 400)
    assert why == "No workload identity fits this job: its 'environment' is 'staging'."
    _, why = exchange(plane, issuer.token("https://another.test"), 400)
    assert HERE in why
    _, why = exchange(plane, issuer.token(HERE, iss="https://elsewhere.test"), 400)
    assert why == "No workload identity trusts the issuer 'https://elsewhere.test'."


def test_an_issuer_that_nobody_named_is_never_asked(plane, issuer):
    make(plane, issuer)
    stranger = ci.Issuer()
    try:
        exchange(plane, stranger.token(HERE), 400)
        assert stranger.asked == []
    finally:
        stranger.close()


def test_requests_are_checked(plane, issuer):
    make(plane, issuer)
    other = "urn:ietf:params:oauth:token-type:refresh_token"
    for more, error in (
            ({"subject_token_type": None}, "invalid_request"), ({"subject_token_type": other}, "invalid_request"),
            ({"requested_token_type": other}, "invalid_request"), ({"actor_token": "x"}, "invalid_request"),
            ({"scope": "no.such"}, "invalid_scope"), ({"scope": "account.write"}, "invalid_scope"),
            ({"audience": "https://another.test"}, "invalid_target"),
            ({"resource": "https://another.test/x"}, "invalid_target"),
            ({"resource": HERE + ".evil.test/"}, "invalid_target"),
            ({"identity": "another"}, "invalid_grant")):
        assert exchange(plane, issuer.token(HERE), 400, **more)[0] == error, more
    assert exchange(plane, None, 400)[0] == "invalid_request"
    good = exchange(plane, issuer.token(HERE), audience=HERE, resource=HERE + "/api/v1/admin/releases",
                    requested_token_type="urn:ietf:params:oauth:token-type:access_token", identity="release",
                    scope="release.read.draft account.write product:vpn")
    assert good["scope"] == "release.read.draft product:vpn"
    # A scope without products is no way out of the identity's.
    wide = exchange(plane, issuer.token(HERE), scope="release.read.draft product:desk")
    assert wide["scope"] == "release.read.draft product:-"
    plane.refused("GET", "/admin/releases?product=desk", token=wide["access_token"], status=403, code="beyond_scope")


def test_the_first_by_name_that_fits(plane, issuer):
    make(plane, issuer, "b-any", wanted={"repository": "acme/*"}, permissions=["release.read.draft"])
    make(plane, issuer, "a-main", wanted={"repository": "acme/vpn", "ref": "refs/heads/main"})
    make(plane, issuer, "c-tags", wanted={"repository": "acme/vpn", "ref": "refs/tags/*"})
    sub = {one["id"]: one["name"] for one in
           plane.api("GET", "/admin/workload-identities", token=plane.admin, status=200)["items"]}
    assert list(sub.values()) == ["a-main", "b-any", "c-tags"]

    def which(**more):
        return sub[claims_of(exchange(plane, issuer.token(HERE), **more)["access_token"])["sub"]]

    assert which() == "b-any" and which(identity="c-tags") == "c-tags"
    issuer.job = github_claims(ref="refs/heads/main")
    assert which() == "a-main"
    assert exchange(plane, issuer.token(HERE), 400, identity="c-tags")[0] == "invalid_grant"


def test_audiences_of_ones_own(plane, issuer):
    make(plane, issuer, "staging", audience="slipway:staging")
    make(plane, issuer, "production", audience="slipway:production")
    got = exchange(plane, issuer.token("slipway:staging"), audience="slipway:staging")
    shown = plane.api("GET", "/admin/workload-identities/staging", token=plane.admin, status=200)
    assert claims_of(got["access_token"])["sub"] == shown["id"]
    assert exchange(plane, issuer.token(HERE), 400)[0] == "invalid_grant"


def test_a_token_is_good_once(plane, issuer):
    make(plane, issuer)
    token = issuer.token(HERE)
    # One that does not come to anything is not used up by it.
    exchange(plane, token, 400, scope="account.write")
    assert exchange(plane, token)["access_token"]
    error, why = exchange(plane, token, 400)
    assert error == "invalid_grant" and "already" in why
    assert any(e["detail"]["reason"] == "replay" for e in control.wait_until(
        lambda: [e for e in audit(plane, action="workload.exchange", outcome="refused")
                 if e["detail"]["reason"] == "replay"], "the refusal"))


def test_another_signature_makes_no_other_token(plane, issuer):
    """Of an ECDSA signature (r, s) everybody can make (r, n - s), which is right as well."""
    make(plane, issuer)
    token = issuer.token(HERE, header={"alg": "ES256", "kid": "k3"}, key=issuer.curve)
    text, _, signature = token.rpartition(".")
    s = ci.P256_ORDER - int.from_bytes(ci.decode(signature)[32:], "big")
    twin = text + "." + control.encode(ci.decode(signature)[:32] + s.to_bytes(32, "big"))
    assert twin != token and exchange(plane, twin)["access_token"]
    assert "already" in exchange(plane, token, 400)[1]


def test_of_64_at_once_one_wins(plane, issuer):
    make(plane, issuer)
    token = issuer.token(HERE)
    body = urllib.parse.urlencode({"grant_type": ci.EXCHANGE, "subject_token": token,
                                   "subject_token_type": ci.JWT})
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: plane.request(
            "POST", "/api/v1/oauth/token", body, headers={"Host": "slipway.test", **ci.FORM}), range(64)))
    assert sorted(a.status for a in answers) == [200] + [400] * 63
    assert {a.json["error"] for a in answers if a.status == 400} == {"invalid_grant"}


def test_an_issuer_that_is_away(plane):
    away = ci.Issuer()
    make(plane, away)
    away.down = True
    error, why = exchange(plane, away.token(HERE), 503)
    assert error == "temporarily_unavailable" and "keys of the issuer" in why
    away.close()


# Its token ----------------------------------------------------------------------------------------

def publish(plane, token, version):
    body = {"product": "vpn", "version": version, "channels": ["stable"]}
    return plane.api("POST", "/admin/releases", body, token, 201)


def test_what_a_job_did_is_told_from_what_others_did(plane, issuer):
    made = make(plane, issuer)
    first, second = (exchange(plane, issuer.token(HERE, run_id=run))["access_token"] for run in ("1001", "1002"))
    publish(plane, first, "1.0.0")
    release = publish(plane, second, "1.0.1")
    (entry,) = audit(plane, action="release.create", object=release["id"])
    assert (entry["actor_kind"], entry["actor"]) == ("workload", made["id"])
    assert entry["detail"]["job"] == {
        "sub": "repo:acme/vpn:ref:refs/tags/v1.2.0", "repository": "acme/vpn", "ref": "refs/tags/v1.2.0",
        "sha": "f" * 40, "workflow": "release", "run_id": "1002", "run_attempt": "2", "event_name": "push",
        "actor": "octocat"}
    plane.api("PATCH", f"/admin/releases/{release['id']}", {"notes": "New"}, second, 200)
    (entry,) = audit(plane, action="release.update", object=release["id"])
    assert entry["detail"]["job"]["run_id"] == "1002" and set(entry["detail"]) > {"job"}
    exchanges = audit(plane, action="workload.exchange", actor=made["id"], outcome="ok")
    assert {e["detail"]["job"]["run_id"] for e in exchanges} == {"1001", "1002"}
    assert {e["detail"]["jti"] for e in exchanges} == {claims_of(t)["jti"] for t in (first, second)}


def test_long_claims_are_cut(plane, issuer):
    make(plane, issuer)
    token = exchange(plane, issuer.token(HERE, workflow="ä" * 300, actor="\x01"))["access_token"]
    release = publish(plane, token, "1.1.0")
    (entry,) = audit(plane, action="release.create", object=release["id"])
    assert entry["detail"]["job"]["workflow"] == "ä" * 100


def test_a_job_is_no_person(plane, issuer):
    """With every permission that can be given: nothing of people, nothing that wants a fresh proof."""
    everything = plane.api("GET", "/me", token=plane.admin)["permissions"]
    make(plane, issuer, products=[], permissions=sorted(ci.permissions_of_jobs(everything)))
    token = exchange(plane, issuer.token(HERE))["access_token"]
    document = plane.api("GET", "/openapi.json", status=200)
    closed = 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if not (path.startswith("/api/v1/me") or "step-up" in path or "/oauth/device" in path
                    or path.endswith(("keys", "workload-identities"))) or operation["x-permission"] == "anyone" \
                    or (method == "get" and "/admin/" in path) or "signing-keys" in path or "publisher" in path:
                continue
            answer = plane.request(method.upper(), path.replace("{", "").replace("}", ""), token=token)
            assert answer.status == 403, f"{method} {path}: {answer}"
            closed += 1
    assert closed > 20
    plane.refused("GET", "/me", token=token, status=403, code="account_needed")
    plane.refused("POST", "/admin/keys", {"name": "x", "permissions": ["product.read"]}, token, status=403,
                  code="person_needed")
    plane.refused("DELETE", "/admin/workload-identities/release", token=token, status=403, code="person_needed")
    # A release's bytes are no more for it than for anybody.
    plane.refused("POST", "/downloads/token", {"package_id": "pkg_none"}, token, status=403,
                  code="permission_missing")


def test_ending(plane, issuer):
    """Whatever ends an identity ends its tokens with the answer."""
    made = make(plane, issuer)
    where = f"/admin/workload-identities/{made['id']}"

    def ends(change):
        token = exchange(plane, issuer.token(HERE))["access_token"]
        plane.api("GET", "/admin/releases?product=vpn", token=token, status=200)
        change()
        plane.refused("GET", "/admin/releases?product=vpn", token=token, status=401, code="credentials_stale")

    ends(lambda: plane.api("PATCH", where, {"lifetime_s": 600}, plane.admin, 200))
    ends(lambda: plane.api("PATCH", where, {"conditions": conditions(repository="acme/vpn")}, plane.admin, 200))
    ends(lambda: plane.api("PATCH", where, {"state": "disabled"}, plane.admin, 200))
    assert exchange(plane, issuer.token(HERE), 400)[0] == "invalid_grant"
    assert plane.api("PATCH", where, {"state": "active"}, plane.admin, 200)["state"] == "active"
    ends(lambda: plane.api("DELETE", where, token=plane.admin, status=204))
    plane.refused("GET", where, token=plane.admin, status=404, code="workload_identity_not_found")


def test_the_restored_epoch_does_not_bring_a_token_back(plane, issuer):
    """The database decides, whatever this node's published state holds."""
    made = make(plane, issuer)
    token = exchange(plane, issuer.token(HERE))["access_token"]
    plane.sql(f"UPDATE workload_identities SET state = 'disabled' WHERE id = '{made['id']}'")
    plane.refused("GET", "/admin/releases?product=vpn", token=token, status=401, code="credentials_stale")
    plane.sql(f"UPDATE workload_identities SET state = 'active' WHERE id = '{made['id']}'")
    plane.sql(f"DELETE FROM exchanged_tokens WHERE identity_id = '{made['id']}'")
    plane.refused("GET", "/admin/releases?product=vpn", token=token, status=401, code="credentials_stale")


def test_a_job_may_end_its_token(plane, issuer):
    make(plane, issuer)
    one, other = (exchange(plane, issuer.token(HERE))["access_token"] for _ in range(2))
    answer = plane.request("POST", "/api/v1/oauth/revoke", urllib.parse.urlencode({"token": one}), headers=ci.FORM)
    assert answer.status == 200
    plane.refused("GET", "/admin/releases?product=vpn", token=one, status=401, code="token_revoked")
    plane.api("GET", "/admin/releases?product=vpn", token=other, status=200)


def test_introspection(plane, issuer):
    key = plane.api("POST", "/me/keys", {"name": "rs", "permissions": ["token.introspect"]}, plane.admin, 201)["key"]
    made = make(plane, issuer)
    token = exchange(plane, issuer.token(HERE))["access_token"]

    def ask(text):
        return plane.request("POST", "/api/v1/oauth/introspect", urllib.parse.urlencode({"token": text}), key,
                             headers=ci.FORM).json

    said = ask(token)
    assert said["active"] and said["sub"] == made["id"] and "product:vpn" in said["scope"].split()
    assert ask(issuer.token(HERE)) == {"active": False}
    plane.api("PATCH", f"/admin/workload-identities/{made['id']}", {"state": "disabled"}, plane.admin, 200)
    assert ask(token) == {"active": False}


def test_no_secret_in_any_log(plane, issuer):
    make(plane, issuer)
    theirs = issuer.token(HERE)
    ours = exchange(plane, theirs)["access_token"]
    exchange(plane, theirs, 400)
    plane.refused("GET", "/me", token=ours, status=403, code="account_needed")
    plane.refused("GET", "/me", token=theirs, status=401, code="token_invalid")
    logged = plane.log.read_text() + str(audit(plane))
    for token in (theirs, ours):
        assert token.split(".")[2] not in logged and token.split(".")[1] not in logged


# Whose it is --------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def second(plane):
    """Another administrator; gives (account, a fresh token)."""
    account = plane.account(plane.admin, "second@example.com", "admin")
    return account, lambda: plane.login("second@example.com")["access_token"]


def test_an_identity_permits_no_more_than_its_owner_may(plane, issuer, second):
    account, sign_in = second
    where = f"/admin/accounts/{account['id']}"
    made = make(plane, issuer, token=sign_in())
    assert made["owner"] == "second@example.com" and made["created_by"] == account["id"]
    token = exchange(plane, issuer.token(HERE))["access_token"]
    plane.api("POST", "/admin/roles", {"name": "reader", "permissions": ["release.read.draft"]}, plane.admin, 201)
    plane.api("PATCH", where, {"role": "reader"}, plane.admin, 200)
    plane.api("GET", "/admin/releases?product=vpn", token=token, status=200)
    plane.refused("POST", "/admin/releases", {"product": "vpn", "version": "9.0.0", "channels": ["stable"]}, token,
                  status=403, code="permission_missing")
    assert exchange(plane, issuer.token(HERE))["scope"] == "release.read.draft product:vpn"
    plane.api("PATCH", where, {"role": "admin", "state": "disabled"}, plane.admin, 200)
    plane.refused("GET", "/admin/releases?product=vpn", token=token, status=401, code="credentials_stale")
    error, why = exchange(plane, issuer.token(HERE), 400)
    assert error == "invalid_grant" and "takes it over" in why
    # Whoever changes it takes it over.
    taken = plane.api("PATCH", "/admin/workload-identities/release", {"lifetime_s": 60}, plane.admin, 200)
    assert (taken["owner"], taken["created_by"]) == (ADMIN_EMAIL, account["id"])
    assert exchange(plane, issuer.token(HERE))["expires_in"] == 60
    plane.api("PATCH", where, {"state": "active"}, plane.admin, 200)


def test_of_a_deleted_account(plane, issuer):
    account = plane.account(plane.admin, "third@example.com", "admin")
    make(plane, issuer, token=plane.login("third@example.com")["access_token"])
    token = exchange(plane, issuer.token(HERE))["access_token"]
    plane.api("DELETE", f"/admin/accounts/{account['id']}", token=plane.admin, status=204)
    plane.refused("GET", "/admin/releases?product=vpn", token=token, status=401, code="credentials_stale")
    assert exchange(plane, issuer.token(HERE), 400)[0] == "invalid_grant"
    shown = plane.api("GET", "/admin/workload-identities/release", token=plane.admin, status=200)
    assert shown["owner"] is None and shown["account_id"] == account["id"]


def test_nobody_gives_more_than_they_have(plane, issuer):
    plane.api("POST", "/admin/roles", {"name": "keeper", "permissions": ["key.write", "release.write"]}, plane.admin, 201)
    plane.account(plane.admin, "keeper@example.com", "keeper")
    keeper = plane.login("keeper@example.com")["access_token"]
    body = {"name": "x", "issuer": issuer.issuer, "conditions": conditions(repository="acme/vpn"),
            "permissions": ["release.write", "release.publish.stable"]}
    assert "release.publish.stable" in plane.refused(
        "POST", "/admin/workload-identities", body, keeper, status=403, code="permission_missing")
    # Nor by turning one to other jobs; but anybody who may can stop it.
    made = make(plane, issuer)
    where = f"/admin/workload-identities/{made['id']}"
    for change in ({"conditions": conditions(repository="evil/vpn")}, {"state": "active"}, {"name": "y"}):
        plane.refused("PATCH", where, change, keeper, status=403, code="permission_missing")
    stopped = plane.api("PATCH", where, {"state": "disabled"}, keeper, 200)
    assert (stopped["state"], stopped["owner"]) == ("disabled", ADMIN_EMAIL)
    assert plane.api("POST", "/admin/workload-identities", {**body, "permissions": ["release.write"]}, keeper, 201)


def test_keys_stop_identities_and_make_none(plane, issuer):
    key = plane.api("POST", "/me/keys", {"name": "k", "permissions": ["key.write", *PUBLISH]}, plane.admin, 201)["key"]
    make(plane, issuer)
    body = {"name": "x", "issuer": issuer.issuer, "conditions": conditions(repository="acme/vpn"),
            "permissions": PUBLISH}
    plane.refused("POST", "/admin/workload-identities", body, key, status=403, code="session_needed")
    where = "/admin/workload-identities/release"
    plane.refused("PATCH", where, {"lifetime_s": 60}, key, status=403, code="session_needed")
    plane.refused("PATCH", where, {"state": "active"}, key, status=403, code="session_needed")
    assert plane.api("PATCH", where, {"state": "disabled"}, key, 200)["state"] == "disabled"
    plane.api("DELETE", where, token=key, status=204)


def test_making_one_needs_a_fresh_proof(plane, issuer):
    session = plane.login(ADMIN_EMAIL)
    plane.sql("UPDATE sessions SET authenticated_at = 0 WHERE id = '%s'" % session["session_id"])
    make(plane, issuer)
    token = session["access_token"]
    plane.refused("POST", "/admin/workload-identities",
                  {"name": "x", "issuer": "https://x.test", "conditions": conditions(a="b"), "permissions": PUBLISH},
                  token, status=403, code="step_up_required")
    for method, body in (("PATCH", {"state": "disabled"}), ("DELETE", None)):
        plane.refused(method, "/admin/workload-identities/release", body, token, status=403, code="step_up_required")


# Administration -----------------------------------------------------------------------------------

GITHUB = "https://token.actions.githubusercontent.com"


def test_input_is_checked(plane, issuer):
    good = {"name": "x", "issuer": "https://ci.example.test", "conditions": conditions(sub="x"), "permissions": PUBLISH}
    for change, code, word in (
            ({"name": "Upper"}, "invalid_member", "'name'"), ({"name": "1st"}, "invalid_member", "'name'"),
            ({"issuer": "ftp://ci.example.test"}, "invalid_member", "'issuer'"),
            ({"issuer": "https://ci.example.test/?x=y"}, "invalid_member", "'issuer'"),
            ({"issuer": "no url"}, "invalid_member", "'issuer'"),
            ({"audience": "sts.amazonaws.com"}, "invalid_member", "another service"),
            ({"audience": "https://ci.example.test/x"}, "invalid_member", "provider's own"),
            ({"issuer": GITHUB, "conditions": conditions(ref="refs/heads/main")}, "invalid_member", "repository"),
            ({"issuer": GITHUB, "conditions": conditions(repository="*/vpn")}, "invalid_member", "anybody's at github"),
            ({"issuer": "https://gitlab.com", "conditions": conditions(ref="main")}, "invalid_member", "project_path"),
            ({"conditions": conditions(sub="*")}, "invalid_member", "not every job"),
            ({"conditions": conditions(ref="a**")}, "invalid_member", "'**'"),
            ({"conditions": conditions(exp="1")}, "invalid_member", "always checked"),
            ({"conditions": conditions(sub="x") * 2}, "invalid_member", "two patterns"),
            ({"conditions": []}, "invalid_member", "'conditions'"),
            ({"conditions": conditions(sub="x") * 17}, "invalid_member", "'conditions'"),
            ({"conditions": [{"claim": "sub"}]}, "missing_member", "pattern"),
            ({"permissions": []}, "invalid_member", "'permissions'"),
            ({"permissions": ["no.such"]}, "unknown_permission", "no.such"),
            ({"permissions": ["self.read"]}, "invalid_member", "self.read"),
            ({"permissions": ["download.request"]}, "invalid_member", "download.request"),
            ({"permissions": ["package.read.licensed"]}, "invalid_member", "package.read.licensed"),
            ({"products": ["none"]}, "unknown_product", "none"),
            ({"lifetime_s": 59}, "invalid_member", "'lifetime_s'"),
            ({"lifetime_s": 3601}, "invalid_member", "'lifetime_s'")):
        detail = plane.refused("POST", "/admin/workload-identities", {**good, **change}, plane.admin, status=400,
                               code=code)
        assert word in detail, (change, detail)
    made = plane.api("POST", "/admin/workload-identities", good, plane.admin, 201)
    assert (made["audience"], made["lifetime_s"], made["products"]) == (HERE, 900, [])
    plane.refused("POST", "/admin/workload-identities", good, plane.admin, status=409, code="workload_identity_exists")
    where = f"/admin/workload-identities/{made['id']}"
    assert plane.api("PATCH", where, {}, plane.admin, 200)["audience"] == HERE
    plane.refused("PATCH", where, {"issuer": "https://x.test"}, plane.admin, status=400, code="unknown_member")
    plane.refused("PATCH", where, {"conditions": conditions(sub="*")}, plane.admin, status=400, code="invalid_member")
    plane.refused("DELETE", "/admin/workload-identities/none", token=plane.admin, status=404,
                  code="workload_identity_not_found")


def test_changes_are_recorded(plane, issuer):
    made = make(plane, issuer)
    plane.api("PATCH", f"/admin/workload-identities/{made['id']}",
              {"name": "tags", "conditions": conditions(repository="acme/vpn"), "permissions": ["release.read.draft"],
               "products": [], "audience": "slipway:x", "lifetime_s": 60, "state": "disabled"}, plane.admin, 200)
    plane.api("DELETE", "/admin/workload-identities/tags", token=plane.admin, status=204)
    delete, change, create = audit(plane, object=made["id"], action="workload.")
    assert (create["action"], create["detail"]["conditions"]) == (
        "workload.create", {"repository": "acme/vpn", "ref": "refs/tags/v*"})
    assert change["detail"]["name"] == {"from": "release", "to": "tags"}
    assert change["detail"]["disabled"] == {"from": False, "to": True}
    assert change["detail"]["lifetime_s"] == {"from": 900, "to": 60}
    assert set(change["detail"]) == {"name", "audience", "conditions", "permissions", "lifetime_s", "disabled"}
    assert delete["action"] == "workload.delete" and delete["detail"]["name"] == "tags"


def test_there_is_an_end_to_them(plane, issuer):
    plane.sql("INSERT INTO workload_identities (id, name, issuer, audience, conditions, permissions, lifetime_s, "
              "epoch, created_by, created_at) VALUES " + ", ".join(
                  f"('wli_{i}', 'n{i}', 'https://x.test', 'a', '{{}}', '', 60, 1, 'x', 1)" for i in range(100)))
    make(plane, issuer, status=429)
    plane.sql("DELETE FROM workload_identities")


# Limits -------------------------------------------------------------------------------------------

def test_refusals_are_slowed_down_and_requests_counted(database, postgresql):
    running = control.Control("sqlite" if database == "sqlite" else postgresql(), [
        "net.allow_insecure_loopback=true", "login.attempts=2", f"public_url={HERE}", "limit.key=3"])
    provider = ci.Issuer()
    try:
        running.start()
        running.admin = running.administrator()
        running.api("POST", "/admin/products", {"name": "vpn", "title": "vpn"}, running.admin, 201)
        make(running, provider)
        for _ in range(100):  # those that come to something count for nothing
            if exchange(running, provider.token(HERE))["access_token"]:
                break
        token = exchange(running, provider.token(HERE))["access_token"]
        answer = running.request("GET", "/api/v1/admin/releases?product=vpn", token=token)
        assert answer.headers["RateLimit-Policy"] == '"workload";q=30;w=10'
        statuses = [running.request("GET", "/api/v1/admin/releases?product=vpn", token=token).status
                    for _ in range(60)]
        assert statuses[0] == 200 and 429 in statuses
        for _ in range(20):
            assert exchange(running, "garbage", 400)[0] == "invalid_grant"
        error, why = exchange(running, provider.token(HERE), 429)
        assert error == "temporarily_unavailable" and "Retry-After" in why
        # Nobody else has to wait.
        body = urllib.parse.urlencode({"grant_type": ci.EXCHANGE, "subject_token": provider.token(HERE),
                                       "subject_token_type": ci.JWT})
        assert running.request("POST", "/api/v1/oauth/token", body, headers={
            "Host": "slipway.test", "X-Slipway-Client-Address": "198.51.100.7", **ci.FORM}).status == 200
    finally:
        running.close()
        provider.close()
