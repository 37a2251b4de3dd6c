"""Sessions of browsers (cookies, CSRF) and everybody's own sessions, on both databases."""
import re
import time

import pytest

import control
import factors
from control import ADMIN_EMAIL, PASSWORD

ORIGIN = "https://localhost"
SAME = {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["session.limit=5", "login.attempts=4"]) as running:
        running.count = 0
        yield running


@pytest.fixture
def jane(plane):
    plane.count += 1
    return plane.account(plane.admin, f"jane{plane.count}@example.com")["email"]


class Browser:
    """What a browser with one of our pages open would send."""

    def __init__(self, plane, email, password=PASSWORD, agent="Mozilla/5.0 (X11; Linux)"):
        self.plane, self.agent = plane, agent
        answer = self.send("POST", "/auth/login",
                           {"email": email, "password": password, "session": "cookie"},
                           headers=SAME)
        assert answer.status == 200, answer
        self.take(answer)

    def take(self, answer):
        self.set_cookie = answer.headers["Set-Cookie"]
        self.cookie = self.set_cookie.split(";")[0]
        self.csrf, self.session = answer.json["csrf_token"], answer.json["session_id"]

    def send(self, method, path, body=None, headers=None):
        headers = {"User-Agent": self.agent, **(headers or {})}
        if hasattr(self, "cookie"):
            headers["Cookie"] = self.cookie
        return self.plane.request(method, "/api/v1" + path, body, headers=headers)

    def get(self, path, status=200):
        answer = self.send("GET", path)
        assert answer.status == status, answer
        return answer.json

    def change(self, method, path, body=None, status=200, **headers):
        answer = self.send(method, path, body, {**SAME, "X-CSRF-Token": self.csrf, **headers})
        assert answer.status == status, answer
        return answer


# Cookies --------------------------------------------------------------------------------------------

def test_a_browsers_session(plane, jane):
    browser = Browser(plane, jane)
    assert re.fullmatch(r"__Host-sid=slc_[0-9a-z]{26}_[\w-]{43}; Max-Age=43200; Path=/; Secure; "
                        r"HttpOnly; SameSite=Strict", browser.set_cookie)
    me = browser.get("/me")
    assert me["email"] == jane and me["session_id"] == browser.session
    assert me["csrf_token"] == browser.csrf
    mine, = browser.get("/me/sessions")["items"]
    assert (mine["id"], mine["current"], mine["transport"]) == (browser.session, True, "cookie")
    assert mine["methods"] == ["pwd"] and mine["user_agent"] == browser.agent
    assert mine["ip_prefix"] == "203.0.113.0/24"


def test_no_tokens_for_pages_and_no_cookie_for_programs(plane, jane):
    answer = Browser(plane, jane).send(
        "POST", "/auth/login", {"email": jane, "password": PASSWORD, "session": "cookie"}, SAME)
    assert set(answer.json) == {"session_id", "csrf_token", "expires_at"}
    answer = plane.request("POST", "/api/v1/auth/login", {"email": jane, "password": PASSWORD})
    assert "Set-Cookie" not in answer.headers and "refresh_token" in answer.json


@pytest.mark.parametrize("headers", [
    {}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost"},
    {"Origin": ORIGIN + ".evil.example"}, {"Origin": ORIGIN + ":444"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
], ids=str)
def test_another_site_cannot_sign_a_visitor_in(plane, jane, headers):
    """Login CSRF: the visitor would act as somebody else without noticing."""
    body = {"email": jane, "password": PASSWORD, "session": "cookie"}
    plane.refused("POST", "/auth/login", body, status=403, code="csrf", headers=headers)


def test_origin_is_enough_where_there_is_no_fetch_metadata(plane, jane):
    answer = plane.request("POST", "/api/v1/auth/login", headers={"Origin": ORIGIN},
                           body={"email": jane, "password": PASSWORD, "session": "cookie"})
    assert answer.status == 200


@pytest.mark.parametrize("left_out", ["X-CSRF-Token", "Sec-Fetch-Site", "wrong token", "other's token"])
def test_a_change_needs_both_proofs(plane, jane, left_out):
    browser, other = Browser(plane, jane), Browser(plane, jane)
    headers = {**SAME, "X-CSRF-Token": browser.csrf}
    if left_out == "Sec-Fetch-Site":
        headers = {"X-CSRF-Token": browser.csrf}
    elif left_out == "X-CSRF-Token":
        del headers["X-CSRF-Token"]
    else:
        headers["X-CSRF-Token"] = other.csrf if left_out == "other's token" else "A" * 43
    answer = browser.send("DELETE", "/me/sessions", headers=headers)
    assert (answer.status, answer.json["code"]) == (403, "csrf")
    assert len(browser.get("/me/sessions")["items"]) == 2
    browser.change("DELETE", "/me/sessions", status=204)
    assert len(browser.get("/me/sessions")["items"]) == 1
    other.get("/me", 401)


def test_where_nobody_need_be_known_a_foreign_request_is_anonymous(plane, jane):
    browser = Browser(plane, jane)
    plain = browser.send("POST", "/auth/logout", {})
    assert (plain.status, plain.json["code"]) == (400, "nothing_to_end")
    assert browser.get("/me")["email"] == jane


def test_a_bearer_token_makes_the_cookie_count_for_nothing(plane, jane):
    browser = Browser(plane, jane)
    answer = browser.send("GET", "/me", headers={"Authorization": f"Bearer {plane.admin}"})
    assert answer.json["email"] == ADMIN_EMAIL and "csrf_token" not in answer.json
    answer = browser.send("GET", "/me", headers={"Authorization": "Bearer nonsense"})
    assert answer.status == 401


@pytest.mark.parametrize("cookie", [
    "__Host-sid=", "__Host-sid=x", "__Host-sid=slc_" + "0" * 26 + "_" + "A" * 43, "sid=good",
    "__Host-sid=good; __Host-sid=good", "__host-sid=good", "__Host-sid=good-one-bit-off"])
def test_cookies_that_are_none(plane, jane, cookie):
    good = Browser(plane, jane).cookie.split("=")[1]
    wrong = good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1]
    cookie = cookie.replace("good-one-bit-off", wrong).replace("good", good)
    answer = plane.request("GET", "/api/v1/me", headers={"Cookie": cookie})
    assert answer.status == 401
    # Where nobody need be known, a stale cookie is no obstacle.
    answer = plane.request("GET", "/api/v1/openapi.json", headers={"Cookie": cookie})
    assert answer.status == 200


def test_among_other_cookies(plane, jane):
    cookie = "theme=dark; " + Browser(plane, jane).cookie + "; last=1"
    assert plane.request("GET", "/api/v1/me", headers={"Cookie": cookie}).json["email"] == jane


def test_signing_out_clears_the_browser(plane, jane):
    browser = Browser(plane, jane)
    answer = browser.change("POST", "/auth/logout", status=204)
    assert answer.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert answer.headers["Set-Cookie"].startswith("__Host-sid=; Max-Age=0; Path=/; Secure;")
    gone = browser.send("GET", "/me")
    assert (gone.status, gone.json["code"]) == (401, "session_ended")
    assert gone.headers["Set-Cookie"].startswith("__Host-sid=; Max-Age=0")


def test_a_new_sign_in_is_a_new_session(plane, jane):
    """Session fixation: what a browser brought along is never what it goes on with."""
    first = Browser(plane, jane)
    answer = first.send("POST", "/auth/login",
                        {"email": jane, "password": PASSWORD, "session": "cookie"}, SAME)
    assert answer.json["session_id"] != first.session
    assert answer.headers["Set-Cookie"].split(";")[0] != first.cookie


@pytest.mark.parametrize("prove", ["password", "enrolment"])
def test_a_fresh_proof_changes_the_cookie(plane, jane, prove):
    """Session fixation: who planted or saw the cookie has no part in the proof."""
    browser = Browser(plane, jane)
    before = browser.cookie
    if prove == "password":
        answer = browser.change("POST", "/auth/step-up", {"password": PASSWORD}, status=204)
    else:
        begun = browser.change("POST", "/me/totp", status=201).json
        answer = browser.change("POST", "/me/totp/confirm", {"otp": factors.password(begun["secret"])})
    browser.cookie = answer.headers["Set-Cookie"].split(";")[0]
    assert browser.cookie != before and "; Secure; HttpOnly; SameSite=Strict" in answer.headers["Set-Cookie"]
    assert browser.get("/me")["session_id"] == browser.session
    browser.change("POST", "/auth/step-up/options", status=200)
    # What was under way with the one before is still answered, and changes nothing.
    browser.cookie, after = before, browser.cookie
    browser.get("/me")
    assert browser.change("POST", "/me/totp", status=403).json["code"] == "csrf"
    assert browser.change("POST", "/auth/logout", {}, status=400).json["code"] == "nothing_to_end"
    plane.sql(f"UPDATE sessions SET rotated_at = rotated_at - 10000000 WHERE id = '{browser.session}'")
    browser.get("/me", 401)
    browser.cookie = after
    browser.get("/me")


def test_a_cookie_that_was_changed_is_given_whatever_follows(plane, jane):
    """The change is stored, and the cookie before it dead; that the published state lags behind is no
    reason to sign the browser out, nor to keep the first recovery codes from everybody for ever."""
    browser = Browser(plane, jane)
    plane.login(jane)  # whose session the new factor ends: that is to be published
    begun = browser.change("POST", "/me/totp", status=201).json
    # More than the published state takes: it stands still from the next change on.
    key = "zeroblob(600)" if plane.database == "sqlite" else "decode(repeat('00', 600), 'hex')"
    plane.sql(f"INSERT INTO changes (key, seq, value, deleted) VALUES ({key}, 0, {key}, 0)")
    try:
        answer = browser.change("POST", "/me/totp/confirm", {"otp": factors.password(begun["secret"])}, 503)
    finally:
        plane.sql("DELETE FROM changes WHERE length(key) = 600")
    assert control.check_problem(answer)["code"] == "not_yet_published"
    assert len(set(answer.json["recovery_codes"])) == 10
    before, browser.cookie = browser.cookie, answer.headers["Set-Cookie"].split(";")[0]
    assert browser.cookie != before
    plane.sql(f"UPDATE sessions SET rotated_at = 1 WHERE id = '{browser.session}'")
    assert browser.get("/me")["email"] == jane
    assert plane.request("GET", "/api/v1/me", headers={"Cookie": before}).status == 401
    wait = plane.request("POST", "/api/v1/auth/login", {"email": jane, "password": PASSWORD}).json
    plane.api("POST", "/auth/second-factor", {"mfa_token": wait["mfa_token"],
              "recovery_code": answer.json["recovery_codes"][0]}, status=200)


def test_disabling_an_account_ends_its_browser_session_at_once(plane, jane):
    browser = Browser(plane, jane)
    plane.api("PATCH", f"/admin/accounts/{jane}", {"state": "disabled"}, plane.admin, 200)
    browser.get("/me", 401)


@pytest.mark.parametrize("column,age", [("last_used_at", 3601), ("expires_at", 1)])
def test_idle_and_absolute_life(plane, jane, column, age):
    browser = Browser(plane, jane)
    browser.get("/me")
    plane.sql(f"UPDATE sessions SET {column} = {int((time.time() - age) * 1e6)} "
              f"WHERE id = '{browser.session}'")
    browser.get("/me", 401)


# One's own sessions ---------------------------------------------------------------------------------

def test_sessions_are_listed_and_ended(plane, jane):
    tokens, browser = plane.login(jane), Browser(plane, jane)
    listed = plane.api("GET", "/me/sessions", token=tokens["access_token"], status=200)["items"]
    assert [(s["transport"], s["current"]) for s in listed] == [("cookie", False), ("token", True)]
    plane.api("DELETE", f"/me/sessions/{browser.session}", token=tokens["access_token"], status=204)
    browser.get("/me", 401)
    browser = Browser(plane, jane)
    browser.change("DELETE", f"/me/sessions/{tokens['session_id']}", status=204)
    # In force at once, also for the access token that lives on by itself.
    plane.refused("GET", "/me", token=tokens["access_token"], status=401, code="token_revoked")
    plane.refused("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}, status=401,
                  code="invalid_grant")


def test_sessions_of_others_are_not_there(plane, jane):
    admins = plane.login(ADMIN_EMAIL)
    mine = plane.login(jane)
    plane.refused("DELETE", f"/me/sessions/{admins['session_id']}", token=mine["access_token"],
                  status=404, code="not_found")
    plane.refused("GET", f"/admin/accounts/{ADMIN_EMAIL}/sessions", token=mine["access_token"],
                  status=403, code="permission_missing")
    assert plane.api("GET", "/me", token=admins["access_token"], status=200)


def test_administrators_see_and_end_them(plane, jane):
    mine, browser = plane.login(jane), Browser(plane, jane)
    path = f"/admin/accounts/{jane}/sessions"
    assert len(plane.api("GET", path, token=plane.admin, status=200)["items"]) == 2
    plane.api("DELETE", path, token=plane.admin, status=204)
    plane.refused("GET", "/me", token=mine["access_token"], status=401, code="token_revoked")
    browser.get("/me", 401)
    assert plane.api("GET", path, token=plane.admin, status=200)["items"] == []


def test_the_oldest_sessions_make_room(plane, jane):
    sessions = [plane.login(jane) for _ in range(7)]
    living = plane.api("GET", "/me/sessions", token=sessions[-1]["access_token"], status=200)["items"]
    assert [s["id"] for s in living] == [s["session_id"] for s in reversed(sessions[2:])]
    token, cursor, paged = sessions[-1]["access_token"], "", []
    while cursor is not None:
        page = plane.api("GET", f"/me/sessions?limit=2&cursor={cursor}", token=token, status=200)
        paged, cursor = paged + page["items"], page["next_cursor"]
    assert paged == living
    plane.refused("GET", "/me", token=sessions[0]["access_token"], status=401, code="token_revoked")


# Passwords ------------------------------------------------------------------------------------------

NEW = "a new and different phrase"


def test_changing_the_password_ends_all_but_a_new_session(plane, jane):
    elsewhere, browser = plane.login(jane), Browser(plane, jane)
    old_cookie, old = browser.cookie, browser.session
    browser.take(browser.change("POST", "/me/password",
                                {"current_password": PASSWORD, "new_password": NEW}))
    assert browser.session != old and browser.get("/me")["email"] == jane
    assert plane.request("GET", "/api/v1/me", headers={"Cookie": old_cookie}).status == 401
    plane.refused("GET", "/me", token=elsewhere["access_token"], status=401, code="token_revoked")
    plane.refused("POST", "/auth/login", {"email": jane, "password": PASSWORD}, status=401,
                  code="invalid_credentials")
    tokens = plane.login(jane, NEW)
    again = plane.api("POST", "/me/password", {"current_password": NEW, "new_password": PASSWORD},
                      tokens["access_token"], 200)
    assert plane.api("GET", "/me", token=again["access_token"], status=200)["email"] == jane


@pytest.mark.parametrize("current,new,status,code", [
    ("wrong", NEW, 403, "wrong_password"), (PASSWORD, "short", 400, "password_refused"),
    (PASSWORD, "password123", 400, "password_refused"), ("", NEW, 400, "invalid_member")])
def test_passwords_that_are_not_changed(plane, jane, current, new, status, code):
    token = plane.login(jane)["access_token"]
    plane.refused("POST", "/me/password", {"current_password": current, "new_password": new}, token,
                  status=status, code=code)
    assert plane.login(jane)


def test_guessing_the_present_password_is_slowed_down(plane, jane):
    token = plane.login(jane)["access_token"]
    body = {"current_password": "wrong", "new_password": NEW}
    for _ in range(4):
        plane.refused("POST", "/me/password", body, token, status=403, code="wrong_password")
    control.slowed_down(lambda: plane.request("POST", "/api/v1/me/password", body, token))


def test_an_administrator_sees_all_sessions_of_an_account(plane, jane):
    made = {plane.login(jane)["session_id"] for _ in range(3)}
    path, seen, cursor = f"/admin/accounts/{jane}/sessions?limit=1", set(), ""
    while cursor is not None:
        page = plane.api("GET", path + (f"&cursor={cursor}" if cursor else ""), token=plane.admin, status=200)
        assert len(page["items"]) <= 1
        seen |= {s["id"] for s in page["items"]}
        cursor = page["next_cursor"]
    assert seen == made


def test_keys_have_no_password(plane):
    key = plane.api("POST", "/admin/keys", {"name": "k", "permissions": ["self.write"]}, plane.admin,
                    201)["key"]
    plane.refused("POST", "/me/password", {"current_password": PASSWORD, "new_password": NEW}, key,
                  status=403, code="session_required")
