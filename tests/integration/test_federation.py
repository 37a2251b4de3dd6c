"""Sign-in through identity providers: a provider that lies, browsers that are tricked, accounts by
rules, linking, logout. Both databases."""
import contextlib
import functools
import time
import urllib.parse

import pytest

import control
import liar
from control import PASSWORD
from factors import enrol
from liar import CLIENT, SECRET, Browser, follow


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["net.allow_insecure_loopback=true"]) as running:
        yield running


def trust(plane, provider, **more):
    plane.api("POST", "/admin/identity-providers",
              {"name": "liar", "title": "A liar", "issuer": provider.issuer, "client_id": CLIENT,
               "client_secret": SECRET, "rules": [{"domain": "example.test", "role": "user"}], **more},
              plane.admin, 201)


@pytest.fixture(scope="module")
def provider(plane):
    running = liar.Provider()
    trust(plane, running, domains=["known.test"],
          rules=[{"group": "ops", "role": "admin"}, {"domain": "example.test", "role": "user"}])
    yield running
    running.close()


@pytest.fixture(autouse=True)
def honest(provider):
    provider.lie = None
    provider.user = person("alice")
    yield


def person(name, domain="example.test", **more):
    return {"sub": f"sub-{name}", "email": f"{name}@{domain}", "email_verified": True, **more}


def audit(plane, action):
    return [e for e in plane.api("GET", f"/admin/audit?action={action}&limit=200", token=plane.admin,
                                 status=200)["items"]]


# The way it should be ----------------------------------------------------------------------------


def test_first_and_later_sign_ins(plane, provider):
    provider.user = person("first")
    browser = Browser(plane)
    assert browser.sign_in("liar", "/account?tab=a&b=%20c") == "/account?tab=a&b=%20c"
    assert "__Host-oidc" not in browser.cookies
    me = browser.me().json
    assert (me["email"], me["role"], me["has_password"]) == ("first@example.test", "user", False)
    sessions = browser.ask("GET", "/api/v1/me/sessions").json["items"]
    assert sessions[0]["methods"] == ["fed"] and sessions[0]["transport"] == "cookie"
    again = Browser(plane)
    provider.user["email"] = "renamed@example.test"  # who it is does not depend on the address
    assert again.sign_in("liar") == "/account"
    assert again.me().json["account_id"] == me["account_id"]
    (identity,) = again.ask("GET", "/api/v1/me/identities").json["items"]
    assert identity["subject"] == "sub-first" and identity["email"] == "renamed@example.test"


def test_what_is_asked_of_the_provider(plane, provider):
    browser = Browser(plane)
    url = urllib.parse.urlsplit(browser.begin("liar"))
    asked = dict(urllib.parse.parse_qsl(url.query))
    assert asked["redirect_uri"] == "https://slipway.test/api/v1/auth/oidc/liar/callback"
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert asked["response_type"] == "code" and asked["scope"] == "openid email profile"
    assert len(asked["nonce"]) == 43 and asked["state"].startswith("slt_")
    other = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(Browser(plane).begin("liar")).query))
    for name in ("state", "nonce", "code_challenge"):
        assert asked[name] != other[name]
    answer = browser.ask("GET", "/api/v1/auth/oidc/liar/start")
    cookie = answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in cookie and "Max-Age=600" in cookie and "HttpOnly" in cookie


def test_public_list_shows_no_more_than_names(plane):
    answer = plane.api("GET", "/auth/providers", status=200)
    assert {"name": "liar", "title": "A liar", "kind": "oidc"} in answer["items"]
    assert SECRET not in str(plane.api("GET", "/admin/identity-providers", token=plane.admin))


def test_email_from_user_information(plane, provider):
    provider.user, provider.lie = person("info"), "e-mail only in userinfo"
    browser = Browser(plane)
    assert browser.sign_in("liar") == "/account"
    assert browser.me().json["email"] == "info@example.test"


# Lies --------------------------------------------------------------------------------------------

LIES = {
    "iss": "token_invalid", "aud": "token_invalid", "aud and azp": "token_invalid",
    "several aud without azp": "token_invalid", "nonce": "token_invalid",
    "no nonce": "token_invalid", "at_hash": "token_invalid", "expired": "token_invalid",
    "future": "token_invalid", "no sub": "token_invalid", "no exp": "token_invalid",
    "two members": "token_invalid", "none": "token_invalid",
    "HS256 with the public key": "token_invalid", "kid": "token_invalid", "typ": "token_invalid",
    "crit": "token_invalid", "RS512": "token_invalid", "signature": "token_invalid",
    "no id_token": "token_invalid", "userinfo of another": "token_invalid",
    "another iss": "issuer_mismatch", "no iss": "issuer_mismatch", "denied": "access_denied",
    "500": "provider_unavailable", "redirected token": "provider_unavailable",
    "not JSON": "provider_unavailable",
}


@pytest.mark.parametrize("lie", LIES)
def test_lies(plane, provider, lie):
    provider.user, provider.lie = person("victim"), lie
    browser = Browser(plane)
    assert browser.sign_in("liar") == f"/sign-in?error={LIES[lie]}"
    assert "__Host-sid" not in browser.cookies
    assert browser.me().status == 401


def test_lies_made_no_account_and_were_recorded(plane, provider):
    plane.refused("GET", "/admin/accounts/victim@example.test", token=plane.admin, status=404,
                  code="account_not_found")
    deadline = time.monotonic() + 10
    while not (refused := [e for e in audit(plane, "auth.login") if e["outcome"] == "refused"]):
        assert time.monotonic() < deadline
    assert refused[0]["object"].startswith("idp_")
    log = plane.log.read_text()
    for verdict in ("wrong_issuer", "wrong_audience", "wrong_nonce", "bad_signature",
                    "wrong_algorithm", "unknown_key"):
        assert verdict in log
    assert SECRET not in log and "code_verifier" not in log


@pytest.mark.parametrize("lie", ["discovery issuer", "huge keys", "keys elsewhere", "nobody there"])
def test_providers_that_cannot_be_asked(plane, lie):
    with contextlib.closing(liar.Provider()) as other:
        other.lie, other.user = lie, person("nobody")
        name = lie.replace(" ", "-")
        plane.api("POST", "/admin/identity-providers",
                  {"name": name, "issuer": other.issuer, "client_id": CLIENT,
                   "client_secret": SECRET, "rules": [{"role": "user"}]}, plane.admin, 201)
        if lie == "nobody there":
            other.shutdown()
            other.server_close()
        browser, tried = Browser(plane), plane.api(
            "POST", f"/admin/identity-providers/{name}/test", token=plane.admin, status=200)
        assert not tried["ok"] and tried["problem"]
        location = browser.begin(name)
        if not location.startswith("/sign-in"):
            location = browser.come_back(follow(location)).headers["Location"]
        assert location == "/sign-in?error=provider_unavailable"
        plane.api("DELETE", f"/admin/identity-providers/{name}", token=plane.admin, status=204)


def test_unknown_keys_do_not_make_us_a_hammer(plane, provider):
    provider.user, provider.lie = person("victim"), "kid"
    before = provider.asked.count("/keys")
    for _ in range(5):
        assert Browser(plane).sign_in("liar") == "/sign-in?error=token_invalid"
    assert provider.asked.count("/keys") - before <= 1
    assert provider.asked.count("/.well-known/openid-configuration") == 1


# Browsers that are tricked -----------------------------------------------------------------------


def test_state_is_for_one_browser(plane, provider):
    """Login CSRF: the attacker's own code in the victim's browser."""
    attacker, victim = Browser(plane), Browser(plane)
    url = follow(attacker.begin("liar"))
    assert victim.come_back(url).headers["Location"] == "/sign-in?error=sign_in_expired"
    victim.begin("liar")
    assert victim.come_back(url).headers["Location"] == "/sign-in?error=sign_in_expired"
    assert "__Host-sid" not in victim.cookies
    # It stays good for the browser whose it is, once.
    cookie = dict(attacker.cookies)
    assert attacker.come_back(url).headers["Location"] == "/account"
    attacker.cookies.update(cookie)
    assert attacker.come_back(url).headers["Location"] == "/sign-in?error=sign_in_expired"


def test_codes_are_not_exchanged_between_round_trips(plane, provider):
    """Code injection: a stolen code with the victim's own state fails at the verifier."""
    thief, owner = Browser(plane), Browser(plane)
    stolen = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(follow(owner.begin("liar"))).query))
    own = urllib.parse.urlsplit(follow(thief.begin("liar")))
    mixed = {**dict(urllib.parse.parse_qsl(own.query)), "code": stolen["code"]}
    answer = thief.come_back(own._replace(query=urllib.parse.urlencode(mixed)).geturl())
    assert answer.headers["Location"] == "/sign-in?error=provider_refused"


def test_callbacks_nobody_began(plane, provider):
    for query in ("", "?state=slt_x&code=y", "?code=y", "?error=access_denied",
                  "?state=%3Cscript%3E&error=%0d%0aSet-Cookie:x"):
        answer = Browser(plane).come_back(
            f"https://slipway.test/api/v1/auth/oidc/liar/callback{query}")
        assert answer.status == 303
        assert answer.headers["Location"] == "/sign-in?error=sign_in_expired"


def throttled(attempt, more=6):
    """Whether one of so many attempts ends there. Each one let through doubles the wait, see
    control.slowed_down."""
    return any(attempt() == "/sign-in?error=sign_in_throttled" for _ in range(more))


def test_made_up_codes_do_not_make_us_a_hammer(database, postgresql, provider):
    """A state costs nothing, and each code that comes with one is asked about at the provider."""
    own = database if database == "sqlite" else postgresql()
    with control.running(own, ["net.allow_insecure_loopback=true", "login.attempts=1"]) as plane:
        trust(plane, provider)

        def come_back(**said):
            browser = Browser(plane)
            asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(browser.begin("liar")).query))
            back = {"state": asked["state"], "iss": provider.issuer, **said}
            return browser.come_back(asked["redirect_uri"] + "?"
                                     + urllib.parse.urlencode(back)).headers["Location"]

        free = 10
        provider.lie = "500"  # no fault of who comes back from it
        for _ in range(free + 2):
            assert come_back(code="x") == "/sign-in?error=provider_unavailable"
        provider.lie = None
        for _ in range(free + 2):
            assert come_back(error="access_denied") == "/sign-in?error=access_denied"
        for _ in range(free + 2):
            assert Browser(plane).sign_in("liar") == "/account"
        for _ in range(free):
            assert come_back(code="made-up") == "/sign-in?error=provider_refused"
        assert throttled(lambda: come_back(code="made-up"))
        asked = len(provider.asked)
        assert throttled(lambda: come_back(code="made-up"), 1)
        assert len(provider.asked) == asked


def test_beginnings_of_strangers_are_counted(database, postgresql, provider):
    """Each writes a row. Those that lead to a sign-in do not count."""
    own = database if database == "sqlite" else postgresql()
    with control.running(own, ["net.allow_insecure_loopback=true", "login.attempts=1"]) as plane:
        trust(plane, provider)

        def begin():
            return Browser(plane).ask("GET", "/api/v1/auth/oidc/liar/start").headers["Location"]

        me = Browser(plane)
        assert me.sign_in("liar") == "/account"
        me.me()
        for _ in range(100):
            assert begin().startswith(provider.issuer)
        assert throttled(begin)
        # Who is signed in is known, and links an identity regardless.
        assert me.ask("POST", "/api/v1/me/identities/liar/start", {}).status == 200


def test_state_of_another_provider(plane, provider):
    plane.api("POST", "/admin/identity-providers",
              {"name": "second", "issuer": provider.issuer + "/second", "client_id": CLIENT},
              plane.admin, 201)
    browser = Browser(plane)
    url = follow(browser.begin("liar")).replace("/oidc/liar/", "/oidc/second/")
    assert browser.come_back(url).headers["Location"] == "/sign-in?error=sign_in_expired"
    plane.api("DELETE", "/admin/identity-providers/second", token=plane.admin, status=204)


@pytest.mark.parametrize("target", ["//evil.test", "/\\evil.test", "https://evil.test", "evil",
                                    "/\t/evil.test", "/a\r\nSet-Cookie: x=y", "\\\\evil", " /a",
                                    "/" + "a" * 600])
def test_no_open_redirect(plane, target):
    answer = Browser(plane).ask("GET", "/api/v1/auth/oidc/liar/start?return_to="
                                + urllib.parse.quote(target))
    assert answer.status == 400 and "Location" not in answer.headers


@pytest.mark.parametrize("end", ["disabled", "deleted"])
def test_sessions_end_with_their_provider(plane, provider, end):
    passing, path = liar.Provider(), f"/admin/identity-providers/{end}"
    try:
        plane.api("POST", "/admin/identity-providers", {
            "name": end, "issuer": passing.issuer, "client_id": CLIENT, "client_secret": SECRET,
            "rules": [{"domain": "example.test", "role": "user"}]}, plane.admin, 201)
        passing.user, provider.user = person(f"vouched-{end}"), person("other")
        vouched, other = Browser(plane), Browser(plane)
        assert vouched.sign_in(end) == other.sign_in("liar") == "/account"
        plane.api("PATCH", path, {"title": "Other changes end nothing"}, plane.admin, 200)
        assert vouched.me().status == 200
        if end == "disabled":
            plane.api("PATCH", path, {"state": "disabled"}, plane.admin, 200)
        else:
            plane.api("DELETE", path, token=plane.admin, status=204)
        assert vouched.me().status == 401, "not a moment later"
        assert other.me().status == 200, "others stay"
        if end == "disabled":
            plane.api("PATCH", path, {"state": "active"}, plane.admin, 200)
            assert vouched.me().status == 401, "ended is ended"
            plane.api("DELETE", path, token=plane.admin, status=204)
    finally:
        passing.close()


def test_unknown_and_disabled_providers(plane, provider):
    assert Browser(plane).begin("nobody") == "/sign-in?error=provider_not_found"
    browser = Browser(plane)
    url = follow(browser.begin("liar"))
    path = "/admin/identity-providers/liar"
    plane.api("PATCH", path, {"state": "disabled"}, plane.admin, 200)
    assert browser.come_back(url).headers["Location"] == "/sign-in?error=provider_not_found"
    assert Browser(plane).begin("liar") == "/sign-in?error=provider_not_found"
    plane.api("PATCH", path, {"state": "active"}, plane.admin, 200)


# Accounts ----------------------------------------------------------------------------------------


def test_who_gets_an_account(plane, provider):
    cases = [(person("eve", "elsewhere.test"), "no_account"),
             (person("eve", email_verified=False), "email_unverified"),
             (person("eve", "sub.example.test"), "no_account"),
             ({"sub": "sub-eve"}, "email_unverified"),
             (person("eve", email="not an address"), "email_unverified")]
    for user, reason in cases:
        provider.user = user
        assert Browser(plane).sign_in("liar") == f"/sign-in?error={reason}", user


def test_an_address_alone_leads_into_no_account(plane, provider):
    plane.account(plane.admin, "bob@example.test")
    plane.account(plane.admin, "carol@known.test")
    provider.user = person("bob")  # verified, but the provider is not the authority
    assert Browser(plane).sign_in("liar") == "/sign-in?error=account_exists"
    provider.user = person("carol", "known.test", email_verified=False)
    assert Browser(plane).sign_in("liar") == "/sign-in?error=account_exists"
    provider.user = person("carol", "KNOWN.test")
    browser = Browser(plane)
    assert browser.sign_in("liar") == "/account"
    assert browser.me().json["email"] == "carol@known.test"
    assert any(e["object"] == browser.me().json["account_id"] for e in audit(plane, "identity.link"))


def test_an_unconfirmed_account_of_an_organisation_is_no_trap(plane, provider):
    """Its administrator can write anybody's address into it and knows its password."""
    plane.api("POST", "/admin/organisations", {"name": "Acme"}, plane.admin, 201)
    plane.account(plane.admin, "trapped@known.test", organisation="Acme")
    provider.user = person("trapped", "known.test")
    assert Browser(plane).sign_in("liar") == "/sign-in?error=account_exists"
    plane.sql("UPDATE accounts SET verified_at = 1 WHERE email = 'trapped@known.test'")
    assert Browser(plane).sign_in("liar") == "/account"


def test_rules_are_applied_at_each_sign_in(plane, provider):
    provider.user = person("dave", groups=["ops", "others"])
    browser = Browser(plane)
    assert browser.sign_in("liar") == "/account"
    assert browser.me().json["role"] == "admin"
    provider.user = person("dave", groups=["others"])
    later = Browser(plane)
    assert later.sign_in("liar") == "/account"
    assert later.me().json["role"] == "user"
    assert browser.me().json["role"] == "user"
    provider.user = person("dave", email_verified=False)  # no rule fits any more
    assert Browser(plane).sign_in("liar") == "/sign-in?error=not_permitted"
    assert later.me().status == 401 and browser.me().status == 401
    account = plane.api("GET", "/admin/accounts/dave@example.test", token=plane.admin)
    assert account["role"] == "guest"
    provider.user = person("dave")
    assert Browser(plane).sign_in("liar") == "/account"


def test_rules_do_not_touch_accounts_made_otherwise(plane, provider):
    provider.user = person("keeper", "known.test")
    plane.account(plane.admin, "keeper@known.test", "admin")
    browser = Browser(plane)
    assert browser.sign_in("liar") == "/account"
    assert browser.me().json["role"] == "admin"


def test_disabled_accounts_stay_out(plane, provider):
    provider.user = person("gone")
    assert Browser(plane).sign_in("liar") == "/account"
    plane.api("PATCH", "/admin/accounts/gone@example.test", {"state": "disabled"}, plane.admin, 200)
    assert Browser(plane).sign_in("liar") == "/sign-in?error=account_disabled"


def test_no_password_opens_an_account_made_so(plane, provider):
    provider.user = person("nopass")
    assert Browser(plane).sign_in("liar") == "/account"
    for password in ("", "x", PASSWORD):
        answer = plane.request("POST", "/api/v1/auth/login",
                               {"email": "nopass@example.test", "password": password})
        assert answer.status in (400, 401), answer


# Linking -----------------------------------------------------------------------------------------


def signed_in(plane, email):
    browser = Browser(plane)
    answer = browser.ask("POST", "/api/v1/auth/login",
                         {"email": email, "password": PASSWORD, "session": "cookie"})
    assert answer.status == 200, answer
    browser.csrf = answer.json["csrf_token"]
    return browser


def test_linking_and_unlinking(plane, provider):
    plane.account(plane.admin, "linker@example.com")
    provider.user = person("linker", "elsewhere.test")
    browser = signed_in(plane, "linker@example.com")
    begun = browser.ask("POST", "/api/v1/me/identities/liar/start", {"return_to": "/account"})
    assert begun.status == 200, begun
    back = browser.come_back(follow(begun.json["authorization_url"]))
    assert back.headers["Location"] == "/account"
    (identity,) = browser.ask("GET", "/api/v1/me/identities").json["items"]
    other = Browser(plane)
    assert other.sign_in("liar") == "/account"
    assert other.me().json["email"] == "linker@example.com"
    # The same identity cannot belong to two accounts.
    plane.account(plane.admin, "second@example.com")
    second = signed_in(plane, "second@example.com")
    begun = second.ask("POST", "/api/v1/me/identities/liar/start", {})
    back = second.come_back(follow(begun.json["authorization_url"]))
    assert back.headers["Location"] == "/account/identities?error=identity_taken"
    # Another's identity is not there; one's own goes, as there is a password.
    assert second.ask("DELETE", f"/api/v1/me/identities/{identity['id']}").status == 404
    assert browser.ask("DELETE", f"/api/v1/me/identities/{identity['id']}").status == 204
    assert Browser(plane).sign_in("liar") == "/sign-in?error=no_account"


def test_linking_needs_the_session_that_asked(plane, provider):
    plane.account(plane.admin, "quitter@example.com")
    provider.user = person("quitter", "elsewhere.test")
    browser = signed_in(plane, "quitter@example.com")
    begun = browser.ask("POST", "/api/v1/me/identities/liar/start", {})
    assert browser.ask("POST", "/api/v1/auth/logout").status == 204
    back = browser.come_back(follow(begun.json["authorization_url"]))
    assert back.headers["Location"] == "/account/identities?error=sign_in_expired"


def test_the_last_way_in_stays(plane, provider):
    provider.user = person("only")
    browser = Browser(plane)
    browser.sign_in("liar")
    browser.me()
    (identity,) = browser.ask("GET", "/api/v1/me/identities").json["items"]
    answer = browser.ask("DELETE", f"/api/v1/me/identities/{identity['id']}")
    assert (answer.status, answer.json["code"]) == (409, "last_way_in")


# Second factors ----------------------------------------------------------------------------------


def test_second_factor_unless_the_provider_is_trusted_for_it(plane, provider):
    plane.account(plane.admin, "factor@known.test")
    app = enrol(plane, plane.login("factor@known.test"))["app"]
    provider.user = person("factor", "known.test", amr=["mfa"])
    browser = Browser(plane)
    location = browser.sign_in("liar", "/account")
    assert location.startswith("/second-factor?return_to=%2Faccount#mfa_token=slt_"), location
    assert "__Host-sid" not in browser.cookies
    fragment = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).fragment))
    assert "totp" in fragment["methods"].split()
    answer = {"mfa_token": fragment["mfa_token"], "otp": app.password()}
    state = functools.partial(plane.api, "PATCH", "/admin/identity-providers/liar", token=plane.admin, status=200)
    state({"state": "disabled"})
    refused = browser.ask("POST", "/api/v1/auth/second-factor", answer)
    assert (refused.status, refused.json["code"]) == (403, "provider_disabled")
    state({"state": "active"})
    assert browser.ask("POST", "/api/v1/auth/second-factor", answer).status == 200, "nothing was used up"
    sessions = browser.ask("GET", "/api/v1/me/sessions").json["items"]
    assert sessions[0]["methods"] == ["fed", "mfa", "otp"]
    plane.api("PATCH", "/admin/identity-providers/liar", {"trusted_factor": True}, plane.admin, 200)
    browser.me()
    assert id_token_hint(browser.ask("POST", "/api/v1/auth/logout"))["sub"] == provider.user["sub"]
    trusted = Browser(plane)
    provider.user = person("factor", "known.test")
    assert trusted.sign_in("liar") == "/account"
    assert trusted.ask("GET", "/api/v1/me/sessions").json["items"][0]["methods"] == ["fed", "mfa"]
    plane.api("PATCH", "/admin/identity-providers/liar", {"trusted_factor": False}, plane.admin, 200)


# Logout ------------------------------------------------------------------------------------------


def send_logout(plane, token, name="liar", **more):
    body = urllib.parse.urlencode({"logout_token": token})
    return plane.request("POST", f"/api/v1/auth/oidc/{name}/backchannel-logout", body,
                         headers={"Content-Type": "application/x-www-form-urlencoded", **more})


def test_back_channel_logout(plane, provider):
    provider.user = person("leaver", sid="session-1")
    one, two = Browser(plane), Browser(plane)
    one.sign_in("liar")
    provider.user = person("leaver", sid="session-2")
    two.sign_in("liar")
    plane.api("POST", "/admin/identity-providers", {
        "name": "unused", "issuer": "https://unused.example.test", "client_id": CLIENT},
        plane.admin, 201)
    began = time.monotonic()
    assert send_logout(plane, provider.logout_token(sid="session-1", sub="sub-leaver")).status == 204
    assert one.me().status == 401 and time.monotonic() - began < 1
    assert two.me().status == 200
    assert send_logout(plane, provider.logout_token(sub="sub-nobody")).status == 204
    assert two.me().status == 200
    assert send_logout(plane, provider.logout_token(sub="sub-leaver")).status == 204
    assert two.me().status == 401
    assert {e["detail"]["by"] for e in audit(plane, "auth.provider_logout")
            if e["outcome"] == "ok"} == {"session", "subject"}


def test_logout_tokens_that_lie(plane, provider):
    provider.user = person("stayer", sid="session-9")
    browser = Browser(plane)
    browser.sign_in("liar")
    sid, now = {"sid": "session-9"}, int(time.time())
    used = provider.logout_token(sub="sub-nobody")
    assert send_logout(plane, used).status == 204
    lies = {
        "used before": used,
        "iss": provider.logout_token(**sid, iss="https://evil.test"),
        "aud": provider.logout_token(**sid, aud="another"),
        "nonce": provider.logout_token(**sid, nonce="x"),
        "no events": provider.logout_token(**sid, events=None),
        "another event": provider.logout_token(**sid, events={"urn:x": {}}),
        "event no object": provider.logout_token(**sid, events={liar.EVENT: True}),
        "no jti": provider.logout_token(**sid, jti=None),
        "no sid, no sub": provider.logout_token(),
        "no iat": provider.logout_token(**sid, iat=None),
        "expired": provider.logout_token(**sid, iat=now - 500, exp=now - 60),
        "future": provider.logout_token(**sid, iat=now + 500, exp=now + 900),
        "key": provider.logout_token(key=provider.other, **sid),
        "none": provider.logout_token({"alg": "none"}, **sid),
        "typ": provider.logout_token({"typ": "at+jwt"}, **sid),
        "an ID token": provider.sign({"iss": provider.issuer, "aud": CLIENT, "iat": now,
                                      "exp": now + 60, "nonce": "n", **provider.user}),
        "empty": "",
    }
    for what, token in lies.items():
        answer = send_logout(plane, token)
        assert (answer.status, answer.json["code"]) == (400, "logout_token_invalid"), what
    assert send_logout(plane, provider.logout_token(**sid),
                       **{"Content-Type": "application/json"}).status == 415
    assert send_logout(plane, "x" * 30000).status == 413
    assert browser.me().status == 200


def logout_query(answer):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.json["logout_url"]).query))


def id_token_hint(answer):
    return control.claims_of(logout_query(answer)["id_token_hint"])


def test_logout_at_the_provider_too(plane, provider):
    browser = Browser(plane)
    provider.user = person("leaves")
    browser.sign_in("liar")
    browser.me()
    answer = browser.ask("POST", "/api/v1/auth/logout")
    assert answer.status == 200
    assert answer.json["logout_url"].startswith(provider.issuer + "/logout?")
    query = logout_query(answer)
    assert control.claims_of(query.pop("id_token_hint"))["sub"] == provider.user["sub"]
    assert query == {"client_id": CLIENT, "post_logout_redirect_uri": "https://slipway.test/sign-in"}
    assert browser.me().status == 401


def test_a_changed_password_keeps_the_way_out(plane, provider):
    """The session after it is another one; whoever vouched for the first still signs its holder out."""
    provider.user = person("moves", "known.test")
    plane.account(plane.admin, "moves@known.test")
    browser = Browser(plane)
    assert browser.sign_in("liar") == "/account"
    browser.me()
    answer = browser.ask("POST", "/api/v1/me/password", {
        "current_password": control.PASSWORD, "new_password": "another horse, another battery"})
    assert answer.status == 200, answer
    browser.me()
    assert id_token_hint(browser.ask("POST", "/api/v1/auth/logout"))["sub"] == provider.user["sub"]


# Without ID token --------------------------------------------------------------------------------


def test_oauth_without_id_token(plane, provider):
    url = provider.issuer
    plane.api("POST", "/admin/identity-providers", {
        "preset": "oauth", "name": "hub", "title": "Hub", "issuer": url + "/hub",
        "client_id": CLIENT, "client_secret": SECRET, "client_auth": "post",
        "authorization_url": url + "/authorize", "token_url": url + "/token",
        "user_url": url + "/user", "emails_url": url + "/user/emails", "subject_claim": "id",
        "scopes": ["read:user"], "rules": [{"domain": "hub.test", "role": "user"}]}, plane.admin, 201)
    provider.user, provider.lie = person("octo", "hub.test"), "no iss"
    browser = Browser(plane)
    assert browser.sign_in("hub") == "/account"
    assert browser.me().json["email"] == "octo@hub.test"
    assert browser.ask("GET", "/api/v1/me/identities").json["items"][0]["subject"] == "4711"
    provider.user["email_verified"] = False
    assert Browser(plane).sign_in("hub") == "/sign-in?error=not_permitted"
    provider.lie = "another iss"
    assert Browser(plane).sign_in("hub") == "/sign-in?error=issuer_mismatch"


# Administration ----------------------------------------------------------------------------------


def test_wrong_settings(plane):
    good = {"name": "p", "issuer": "https://p.example.test", "client_id": "c"}
    cases = [({"name": "P"}, "name"), ({"name": "../x"}, "name"),
             ({"issuer": "ftp://p.example.test"}, "https"), ({"issuer": ""}, "issuer"),
             ({"issuer": "https://u:p@p.example.test"}, "user name"),
             ({"issuer": "https://p.example.test?x=1"}, "query"),
             ({"client_id": "a b"}, "client_id"), ({"scopes": ["email"]}, "openid"),
             ({"scopes": ["openid x"]}, "scopes"), ({"domains": ["a b"]}, "domains"),
             ({"domains": ["x/y"]}, "domains"), ({"token_url": "https://x.test"}, "discovered"),
             ({"preset": "oauth"}, "authorization_url"), ({"subject_claim": "email"}, "sub"),
             ({"rules": [{"role": "user", "domain": "@x"}]}, "domain")]
    for change, words in cases:
        detail = plane.refused("POST", "/admin/identity-providers", {**good, **change}, plane.admin,
                               400, "invalid_member")
        assert words in detail, (change, detail)
    plane.refused("POST", "/admin/identity-providers",
                  {**good, "rules": [{"role": "none-such"}]}, plane.admin, 400, "unknown_role")
    plane.refused("POST", "/admin/identity-providers",
                  {**good, "rules": [{"role": "user", "organisation": "none"}]}, plane.admin, 400,
                  "unknown_organisation")


def test_life_of_a_provider(plane):
    made = plane.api("POST", "/admin/identity-providers", {
        "preset": "entra", "name": "entra", "client_id": "c", "client_secret": "very-secret",
        "issuer": "https://login.example.test/t/v2.0"}, plane.admin, 201)
    assert made["email_verified_claim"] == "xms_edov" and made["has_client_secret"]
    assert made["redirect_uri"].endswith("/api/v1/auth/oidc/entra/callback")
    plane.refused("POST", "/admin/identity-providers", {
        "name": "entra", "client_id": "c", "issuer": "https://x.example.test"}, plane.admin, 409,
        "provider_exists")
    path = f"/admin/identity-providers/{made['id']}"
    changed = plane.api("PATCH", path, {"title": "Work", "client_secret": None}, plane.admin, 200)
    assert changed["title"] == "Work" and not changed["has_client_secret"]
    plane.refused("PATCH", path, {"issuer": "https://x.example.test"}, plane.admin, 400,
                  "unknown_member")
    tried = plane.api("POST", path + "/test", token=plane.admin, status=200)
    assert not tried["ok"]
    plane.api("DELETE", path, token=plane.admin, status=204)
    plane.refused("GET", path, token=plane.admin, status=404, code="provider_not_found")
    assert "very-secret" not in str(audit(plane, "provider.create")) + plane.log.read_text()
    assert audit(plane, "provider.change")[0]["detail"]["client_secret"] == "changed"


def test_who_writes_a_provider_could_be_anybody(plane, provider):
    """It is believed who somebody is, and with trusted_factor their second factor, too."""
    plane.api("POST", "/admin/roles", {"name": "settler", "title": "Settler",
                                       "permissions": ["settings.write", "self.read", "self.write"]},
              plane.admin, 201)
    plane.account(plane.admin, "settler@example.com", "settler")
    token = plane.login("settler@example.com")["access_token"]
    new = {"name": "way-up", "issuer": "https://x.example.test", "client_id": "c", "domains": ["example.com"],
           "trusted_factor": True}
    for members in (new, {**new, "rules": [{"role": "admin"}]}, {**new, "rules": [{"role": "settler"}]}):
        plane.refused("POST", "/admin/identity-providers", members, token, 403, "role_beyond_yours")
    path = "/admin/identity-providers/liar"
    for members in ({"domains": ["example.com"]}, {"trusted_factor": True}, {"client_secret": "mine"},
                    {"state": "active"}, {"state": "disabled", "trusted_factor": True}):
        plane.refused("PATCH", path, members, token, 403, "role_beyond_yours")
    plane.api("PATCH", path, {"state": "disabled"}, token, 200)  # an emergency stop gives nobody anything
    plane.api("PATCH", path, {"state": "active"}, plane.admin, 200)


def test_one_provider_lays_no_trap_for_those_of_another(plane, provider):
    """What it says of an address outside its domains makes an account, which is not that person's."""
    partner = liar.Provider()
    try:
        plane.api("POST", "/admin/identity-providers", {
            "name": "partner", "issuer": partner.issuer, "client_id": CLIENT, "client_secret": SECRET,
            "rules": [{"group": "partners", "role": "user"}]}, plane.admin, 201)
        partner.user = {**person("of-two", "known.test"), "sub": "what the partner calls them", "groups": ["partners"]}
        thief = Browser(plane)
        assert thief.sign_in("partner") == "/account"
        provider.user = person("of-two", "known.test")
        assert Browser(plane).sign_in("liar") == "/sign-in?error=account_exists"
        plane.api("DELETE", "/admin/accounts/of-two@known.test", token=plane.admin, status=204)
        provider.user = {**person("of-one", "known.test"), "groups": ["ops"]}
        assert Browser(plane).sign_in("liar") == "/account", "it speaks for its own domains"
    finally:
        plane.api("DELETE", "/admin/identity-providers/partner", token=plane.admin, status=204)
        partner.close()


def test_taking_a_way_in_away_ends_who_came_by_it(plane, provider):
    plane.account(plane.admin, "two-ways@known.test")
    provider.user = person("two-ways", "known.test")
    stranger = Browser(plane)
    assert stranger.sign_in("liar") == "/account"
    owner = signed_in(plane, "two-ways@known.test")
    identity = owner.ask("GET", "/api/v1/me/identities").json["items"][0]["id"]
    key = plane.login("two-ways@known.test")["access_token"]
    key = plane.api("POST", "/me/keys", {"name": "x", "permissions": ["self.write"]}, key, 201)["key"]
    plane.refused("DELETE", f"/me/identities/{identity}", token=key, status=403, code="session_required")
    assert stranger.me().status == 200
    assert owner.ask("DELETE", f"/api/v1/me/identities/{identity}").status == 204
    assert stranger.me().status == 401
    assert owner.me().status == 200
