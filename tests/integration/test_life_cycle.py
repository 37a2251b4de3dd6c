"""Accounts from their invitation to their end, with mails taken by a real SMTP server."""
import concurrent.futures
import email
import email.policy
import re

import pytest
from aiosmtpd.controller import Controller

import control
import factors
from authenticator import Passkey
from control import ADMIN_EMAIL, PASSWORD
from slipway import free_port, wait_until

NEW = "an entirely new password"


class Box:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope.rcpt_tos[0], message["Subject"], message.get_content()))
        return "250 OK"

    def to(self, address, subject=""):
        return [text for to, about, text in self.mails if to == address and subject in about]


class Plane(control.Control):
    def mail(self, address, subject, count=1):
        """The text of the count-th mail to this address about this."""
        wait_until(lambda: len(self.box.to(address, subject)) >= count, f"{subject} to {address}", 40)
        return self.box.to(address, subject)[count - 1]

    def link(self, address, subject, page, count=1):
        text = self.mail(address, subject, count)
        found = re.search(rf"https://vpn\.example\.com/{page}#(slt_[A-Za-z0-9_-]{{43}})\s", text)
        assert found, text
        return found[1]

    def invite(self, address, role="user", token=None, **more):
        return self.api("POST", "/admin/invitations", {"email": address, "role": role, **more},
                        token or self.admin, 201)

    def audit(self, action, object):
        return self.api("GET", f"/admin/audit?action={action}&object={object}", token=self.admin,
                        status=200)["items"]

    def fresh(self):
        self.count = getattr(self, "count", 0) + 1
        return f"jane{self.count}@mail.test"


@pytest.fixture(scope="module")
def plane(database):
    port, box = free_port(), Box()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    running = Plane(database, ["login.attempts=5", "public_url=https://vpn.example.com",
                               f"mail.server=smtp://127.0.0.1:{port}", "mail.from=slipway@mail.test"])
    running.box = box
    try:
        running.start()
        running.admin = running.administrator()
        yield running
    finally:
        running.close()
        server.stop()


@pytest.fixture
def jane(plane):
    return plane.account(plane.admin, plane.fresh())["email"]


# Invitations ----------------------------------------------------------------------------------------

def test_an_invitation_becomes_an_account(plane):
    address = plane.fresh()
    made = plane.invite(address)
    assert "link" not in made and made["role"] == "user"
    assert made["id"] in [i["id"] for i in plane.api("GET", "/admin/invitations?limit=200",
                                                    token=plane.admin)["items"]]
    token = plane.link(address, "You are invited", "invitation")
    assert ADMIN_EMAIL in plane.mail(address, "You are invited")
    # A refused password leaves the link good.
    plane.refused("POST", "/auth/invitation", {"token": token, "password": "password1"}, status=400,
                  code="password_refused")
    session = plane.api("POST", "/auth/invitation", {"token": token, "password": NEW}, status=201)
    assert "mfa_enrolment_required" not in session
    me = plane.api("GET", "/me", token=session["access_token"], status=200)
    assert me["email"] == address and me["role"] == "user" and me["verified_at"] and me["has_password"]
    account = plane.api("GET", f"/admin/accounts/{address}", token=plane.admin, status=200)
    assert account["verified_at"]
    plane.refused("POST", "/auth/invitation", {"token": token, "password": NEW}, status=403,
                  code="invitation_invalid")
    assert plane.login(address, NEW)
    assert made["id"] not in [i["id"] for i in plane.api("GET", "/admin/invitations?limit=200",
                                                        token=plane.admin)["items"]]
    plane.refused("POST", "/admin/invitations", {"email": address.upper(), "role": "user"}, plane.admin,
                  status=409, code="email_taken")


def test_an_invited_administrator_must_enrol(plane):
    address = plane.fresh()
    plane.invite(address, "admin")
    token = plane.link(address, "You are invited", "invitation")
    session = plane.api("POST", "/auth/invitation", {"token": token, "password": NEW}, status=201)
    assert session["mfa_enrolment_required"] is True
    plane.refused("GET", "/admin/accounts", token=session["access_token"], status=403,
                  code="permission_missing")
    full = factors.enrol(plane, session)
    assert plane.api("GET", "/admin/accounts", token=full["access_token"], status=200)


def test_inviting_again_replaces(plane):
    address = plane.fresh()
    plane.invite(address)
    first = plane.link(address, "You are invited", "invitation")
    again = plane.invite(address.upper().replace("MAIL.TEST", "mail.test"), "guest")
    plane.refused("POST", "/auth/invitation", {"token": first, "password": NEW}, status=403,
                  code="invitation_invalid")
    second = plane.link(again["email"], "You are invited", "invitation")
    session = plane.api("POST", "/auth/invitation", {"token": second, "password": NEW}, status=201)
    assert plane.api("GET", "/me", token=session["access_token"], status=200)["role"] == "guest"


def test_of_many_acceptances_one_wins(plane):
    address = plane.fresh()
    plane.invite(address)
    body = {"token": plane.link(address, "You are invited", "invitation"), "password": NEW}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: plane.request("POST", "/api/v1/auth/invitation", body).status,
                            range(4)))
    assert got.count(201) == 1 and set(got) <= {201, 403, 429}, got


def test_withdrawn_and_expired_invitations(plane):
    first, second = plane.fresh(), plane.fresh()
    made = plane.invite(first)
    token = plane.link(first, "You are invited", "invitation")
    plane.api("DELETE", f"/admin/invitations/{made['id']}", token=plane.admin, status=204)
    plane.refused("DELETE", f"/admin/invitations/{made['id']}", token=plane.admin, status=404,
                  code="invitation_not_found")
    plane.refused("POST", "/auth/invitation", {"token": token, "password": NEW}, status=403,
                  code="invitation_invalid")
    plane.invite(second)
    token = plane.link(second, "You are invited", "invitation")
    plane.sql("UPDATE tickets SET expires_at = 1 WHERE purpose = 'invitation'")
    plane.refused("POST", "/auth/invitation", {"token": token, "password": NEW}, status=403,
                  code="invitation_invalid")


def administrator(plane, role, organisation=None):
    """(token, id) of an account that may invite."""
    address = plane.fresh()
    made = plane.account(plane.admin, address, role, **({"organisation": organisation} if organisation else {}))
    return plane.login(address)["access_token"], made["id"]


def test_an_invitation_ends_with_what_its_sender_may(plane):
    """Who was an administrator for a minute has nothing left in the mail."""
    for end in ({"state": "disabled"}, {"role": "user"}):
        token, sender = administrator(plane, "admin")
        address = plane.fresh()
        plane.invite(address, "admin", token)
        link = plane.link(address, "You are invited", "invitation")
        plane.api("PATCH", f"/admin/accounts/{sender}", end, plane.admin, 200)
        plane.refused("POST", "/auth/invitation", {"token": link, "password": NEW}, status=403,
                      code="invitation_invalid")


def test_invitations_of_others_are_not_replaced_nor_withdrawn(plane):
    for name in ("Here", "There"):
        plane.api("POST", "/admin/organisations", {"name": name}, plane.admin, 201)
    plane.api("POST", "/admin/roles", {"name": "inviter-here", "own_organisation": True,
                                       "permissions": ["account.read", "account.write"]}, plane.admin, 201)
    here, _ = administrator(plane, "inviter-here", "Here")
    there, _ = administrator(plane, "inviter-here", "There")
    address, higher = plane.fresh(), plane.fresh()
    plane.invite(address, token=there)
    plane.refused("POST", "/admin/invitations", {"email": address.upper(), "role": "user"}, here,
                  status=409, code="email_taken")
    assert plane.api("POST", "/auth/invitation", {
        "token": plane.link(address, "You are invited", "invitation"), "password": NEW}, status=201)
    # Of one's own organisation, but to more than one may give.
    made = plane.invite(higher, "admin", organisation="Here")
    plane.refused("POST", "/admin/invitations", {"email": higher, "role": "user"}, here, status=403,
                  code="role_beyond_yours")
    plane.refused("DELETE", f"/admin/invitations/{made['id']}", token=here, status=403,
                  code="role_beyond_yours")


@pytest.mark.parametrize("body, status, code", [
    ({"email": "nobody", "role": "user"}, 400, "invalid_member"),
    ({"email": "x@mail.test", "role": "emperor"}, 400, "unknown_role"),
    ({"email": "x@mail.test", "role": "user", "organisation": "none"}, 400, "unknown_organisation"),
    ({"email": "x@mail.test"}, 400, "missing_member"),
    ({"email": ADMIN_EMAIL, "role": "user"}, 409, "email_taken"),
])
def test_bad_invitations(plane, body, status, code):
    plane.refused("POST", "/admin/invitations", body, plane.admin, status=status, code=code)


def test_who_administers_an_organisation_invites_there(plane):
    ours = plane.api("POST", "/admin/organisations", {"name": "Inviters"}, plane.admin, 201)["id"]
    theirs = plane.api("POST", "/admin/organisations", {"name": "Others"}, plane.admin, 201)["id"]
    plane.api("POST", "/admin/roles", {"name": "inviter", "title": "Invites", "own_organisation": True,
              "permissions": ["account.read", "account.write"]}, plane.admin, 201)
    boss = plane.account(plane.admin, plane.fresh(), "inviter", organisation=ours)["email"]
    token = plane.login(boss)["access_token"]
    made = plane.invite(plane.fresh(), "inviter", token)
    assert (made["organisation"], made["organisation_name"], made["inviter"]) == (ours, "Inviters", boss)
    assert plane.api("GET", "/me", token=token)["organisation_name"] == "Inviters"
    for organisation, role, code in ((theirs, "inviter", "beyond_your_organisation"),
                                     (ours, "admin", "role_beyond_yours")):
        plane.refused("POST", "/admin/invitations", {"email": plane.fresh(), "role": role,
                      "organisation": organisation}, token, status=403, code=code)
    other = plane.invite(plane.fresh(), organisation=theirs)
    listed = plane.api("GET", "/admin/invitations", token=token, status=200)["items"]
    assert [i["id"] for i in listed] == [made["id"]]
    plane.refused("DELETE", f"/admin/invitations/{other['id']}", token=token, status=404,
                  code="invitation_not_found")
    plane.refused("GET", f"/admin/organisations/{theirs}/members", token=token, status=404,
                  code="organisation_not_found")
    members = plane.api("GET", f"/admin/organisations/{ours}/members", token=token, status=200)["items"]
    assert [m["email"] for m in members] == [boss]
    # Deleting keeps to the organisation too.
    outsider = plane.account(plane.admin, plane.fresh(), organisation=theirs)["email"]
    plane.refused("DELETE", f"/admin/accounts/{outsider}", token=token, status=404,
                  code="account_not_found")


# E-mail addresses -----------------------------------------------------------------------------------

def test_a_new_address_counts_when_confirmed(plane, jane):
    session, new = plane.login(jane), plane.fresh()
    plane.api("POST", "/me/email", {"email": new}, session["access_token"], 202)
    token = plane.link(new, "Confirm your e-mail", "verify-email")
    assert plane.api("GET", "/me", token=session["access_token"])["email"] == jane
    got = plane.api("POST", "/auth/email-verification", {"token": token}, status=200)
    assert got == {"email": new}
    assert plane.api("GET", "/me", token=session["access_token"])["email"] == new
    assert "a change of the e-mail address was begun" in plane.mail(jane, "Your account was changed")
    assert "the e-mail address was changed" in plane.mail(jane, "Your account was changed", 2)
    assert plane.login(new)
    plane.refused("POST", "/auth/login", {"email": jane, "password": PASSWORD}, status=401,
                  code="invalid_credentials")
    plane.refused("POST", "/auth/email-verification", {"token": token}, status=403,
                  code="verification_invalid")
    account = plane.api("GET", f"/admin/accounts/{new}", token=plane.admin, status=200)
    assert account["verified_at"]
    # The log says that it changed; the addresses could not be deleted from there.
    assert plane.audit("account.change", account["id"])[0]["detail"] == {"email": "changed"}


def test_a_taken_address_shows_only_to_its_holder(plane, jane):
    token = plane.login(jane)["access_token"]
    other = plane.account(plane.admin, plane.fresh())["email"]
    plane.api("POST", "/me/email", {"email": other}, token, 202)
    ticket = plane.link(other, "Confirm your e-mail", "verify-email")
    plane.refused("POST", "/auth/email-verification", {"token": ticket}, status=409, code="email_taken")


def test_a_later_request_replaces_the_earlier(plane, jane):
    token, first, second = plane.login(jane)["access_token"], plane.fresh(), plane.fresh()
    plane.api("POST", "/me/email", {"email": first}, token, 202)
    old = plane.link(first, "Confirm your e-mail", "verify-email")
    plane.api("POST", "/me/email", {"email": second}, token, 202)
    plane.refused("POST", "/auth/email-verification", {"token": old}, status=403,
                  code="verification_invalid")


def test_an_administrator_changes_an_address(plane, jane):
    new = plane.fresh()
    changed = plane.api("PATCH", f"/admin/accounts/{jane}", {"email": new}, plane.admin, 200)
    assert changed["email"] == new and changed["verified_at"] is None
    assert "an administrator changed the e-mail address" in plane.mail(jane, "Your account was changed")
    ticket = plane.link(new, "Confirm your e-mail", "verify-email")
    plane.api("POST", "/auth/email-verification", {"token": ticket}, status=200)
    assert plane.api("GET", f"/admin/accounts/{new}", token=plane.admin)["verified_at"]


def change_password(plane, address, session):
    plane.api("POST", "/me/password", {"current_password": PASSWORD, "new_password": NEW},
              session["access_token"], 200)


def reset_password(plane, address, session):
    ask(plane, address)
    plane.api("POST", "/auth/password-reset/confirm", {
        "token": plane.link(address, "Reset your password", "reset-password"), "password": NEW}, status=204)


def end_the_other_sessions(plane, address, session):
    plane.api("DELETE", "/me/sessions", token=session["access_token"], status=204)


def end_that_session(plane, address, session):
    other, = [s["id"] for s in plane.api("GET", "/me/sessions", token=session["access_token"])["items"]
              if not s["current"]]
    plane.api("DELETE", f"/me/sessions/{other}", token=session["access_token"], status=204)


def add_a_factor(plane, address, session):
    factors.enrol_app(plane, session["access_token"])


def have_all_sessions_ended(plane, address, session):
    plane.api("DELETE", f"/admin/accounts/{address}/sessions", token=plane.admin, status=204)


def be_disabled_for_a_while(plane, address, session):
    for state in ("disabled", "active"):
        plane.api("PATCH", f"/admin/accounts/{address}", {"state": state}, plane.admin, 200)


LOCKING_OUT = [change_password, reset_password, end_the_other_sessions, end_that_session, add_a_factor,
               have_all_sessions_ended, be_disabled_for_a_while]


@pytest.mark.parametrize("lock_out", LOCKING_OUT)
def test_a_change_of_address_ends_with_the_sessions_of_others(plane, jane, lock_out):
    """A thief's link, mailed before they were locked out, would bring them the account for good."""
    thief, jane_again, elsewhere = plane.login(jane), plane.login(jane), plane.fresh()
    plane.api("POST", "/me/email", {"email": elsewhere}, thief["access_token"], 202)
    link = plane.link(elsewhere, "Confirm your e-mail", "verify-email")
    assert "a change of the e-mail address was begun" in plane.mail(jane, "Your account was changed")
    lock_out(plane, jane, jane_again)
    plane.refused("POST", "/auth/email-verification", {"token": link}, status=403,
                  code="verification_invalid")
    assert plane.api("GET", f"/admin/accounts/{jane}", token=plane.admin, status=200)["email"] == jane


@pytest.mark.parametrize("lock_out", [a for a in LOCKING_OUT if a is not reset_password])
def test_a_link_for_a_new_password_ends_with_the_sessions_of_others(plane, jane, lock_out):
    """Who reads somebody's mail asked for it."""
    plane.login(jane)
    session = plane.login(jane)
    ask(plane, jane)
    link = plane.link(jane, "Reset your password", "reset-password")
    lock_out(plane, jane, session)
    plane.refused("POST", "/auth/password-reset/confirm", {"token": link, "password": NEW + "2"},
                  status=403, code="reset_invalid")


def test_the_link_to_the_present_address_outlives_other_sessions(plane, jane):
    """It takes nothing over, and who was just invited wants to enrol a factor before reading mail."""
    plane.login(jane)
    session = plane.login(jane)
    plane.api("POST", "/me/email", {"email": jane}, session["access_token"], 202)
    link = plane.link(jane, "Confirm your e-mail", "verify-email")
    for lock_out in (end_that_session, end_the_other_sessions, add_a_factor):
        lock_out(plane, jane, session)
    plane.api("POST", "/auth/email-verification", {"token": link}, status=200)
    assert plane.api("GET", f"/admin/accounts/{jane}", token=plane.admin)["verified_at"]
    assert not plane.box.to(jane, "Your account was changed")


def test_ending_ones_own_session_leaves_the_change_of_address(plane, jane):
    session, new = plane.login(jane), plane.fresh()
    plane.api("POST", "/me/email", {"email": new}, session["access_token"], 202)
    link = plane.link(new, "Confirm your e-mail", "verify-email")
    plane.api("POST", "/auth/logout", {"refresh_token": session["refresh_token"]}, status=204)
    assert plane.api("POST", "/auth/email-verification", {"token": link}, status=200) == {"email": new}


def test_a_disabled_account_gets_no_other_address(plane, jane):
    """Not even by a link that was sent behind the back of what withdraws them."""
    session, new = plane.login(jane), plane.fresh()
    plane.api("POST", "/me/email", {"email": new}, session["access_token"], 202)
    link = plane.link(new, "Confirm your e-mail", "verify-email")
    plane.sql(f"UPDATE accounts SET state = 'disabled' WHERE email = '{jane}'")
    plane.refused("POST", "/auth/email-verification", {"token": link}, status=403,
                  code="verification_invalid")


def test_keys_change_no_address_and_delete_no_account(plane):
    key = plane.api("POST", "/admin/keys", {"name": "k", "permissions": ["self.write"]}, plane.admin,
                    201)["key"]
    plane.refused("POST", "/me/email", {"email": "x@mail.test"}, key, status=403, code="session_required")
    plane.refused("DELETE", "/me", token=key, status=403, code="session_required")


# Password reset -------------------------------------------------------------------------------------

def ask(plane, address, status=202, **more):
    answer = plane.request("POST", "/api/v1/auth/password-reset", {"email": address}, **more)
    assert answer.status == status, answer
    return answer


def test_a_forgotten_password(plane, jane):
    session = plane.login(jane)
    ask(plane, jane)
    token = plane.link(jane, "Reset your password", "reset-password")
    ask(plane, jane)
    other = plane.link(jane, "Reset your password", "reset-password", 2)
    plane.refused("POST", "/auth/password-reset/confirm", {"token": token, "password": "qwertyuiop"},
                  status=400, code="password_refused")
    plane.api("POST", "/auth/password-reset/confirm", {"token": token, "password": NEW}, status=204)
    plane.refused("GET", "/me", token=session["access_token"], status=401, code="token_revoked")
    assert plane.login(jane, NEW)
    assert "the password was reset" in plane.mail(jane, "Your account was changed")
    for used in (token, other):
        plane.refused("POST", "/auth/password-reset/confirm", {"token": used, "password": NEW + "2"},
                      status=403, code="reset_invalid")
    assert plane.api("GET", f"/admin/accounts/{jane}", token=plane.admin)["verified_at"]


def test_a_reset_is_no_way_around_the_second_factor(plane, jane):
    app, _ = factors.enrol_app(plane, plane.login(jane)["access_token"])
    waiting = plane.refused("POST", "/auth/login", {"email": jane, "password": PASSWORD}, status=401,
                            code="mfa_required")
    ticket = plane.request("POST", "/api/v1/auth/login",
                           {"email": jane, "password": PASSWORD}).json["mfa_token"]
    assert waiting
    ask(plane, jane)
    token = plane.link(jane, "Reset your password", "reset-password")
    plane.api("POST", "/auth/password-reset/confirm", {"token": token, "password": NEW}, status=204)
    plane.refused("POST", "/auth/login", {"email": jane, "password": NEW}, status=401,
                  code="mfa_required")
    # A sign-in that had begun with the old password cannot go on.
    plane.refused("POST", "/auth/second-factor", {"mfa_token": ticket, "otp": app.password()}, status=401,
                  code="mfa_token_invalid")


def test_unknown_and_disabled_accounts_answer_alike(plane, jane):
    disabled = plane.account(plane.admin, plane.fresh())["email"]
    plane.api("PATCH", f"/admin/accounts/{disabled}", {"state": "disabled"}, plane.admin, 200)
    assert plane.mail(disabled, "Your account was disabled")
    unknown = plane.fresh()

    def tickets():
        return int(plane.select("SELECT COUNT(*) FROM tickets WHERE purpose = 'password_reset'"))

    answers = []
    for n, address in enumerate((jane, unknown, disabled)):
        before = tickets()
        answers.append(ask(plane, address,
                           headers={"X-Slipway-Client-Address": f"198.51.{100 + n}.1"}))
        # The same is written, whoever it is.
        assert tickets() == before + 1
    assert len({a.body for a in answers}) == 1
    plane.mail(jane, "Reset your password")
    assert not plane.box.to(unknown) and not plane.box.to(disabled, "Reset")


def test_asking_is_slowed_down(plane, jane):
    unknown = plane.fresh()
    for address, network in ((jane, "192.0.2.1"), (unknown, "192.0.2.2")):
        headers = {"X-Slipway-Client-Address": network}
        for _ in range(5):
            ask(plane, address, headers=headers)
        answer = ask(plane, address, 429, headers=headers)
        assert answer.json["code"] == "mail_throttled" and int(answer.headers["Retry-After"]) > 0


# Notices --------------------------------------------------------------------------------------------

def sign_in(plane, address, network, agent):
    answer = plane.request("POST", "/api/v1/auth/login", {"email": address, "password": PASSWORD},
                           headers={"X-Slipway-Client-Address": network, "User-Agent": agent})
    assert answer.status == 200, answer
    return answer.json


def test_signing_in_from_a_new_place(plane, jane):
    sign_in(plane, jane, "192.0.2.10", "Browser/1.0 (Linux)")
    sign_in(plane, jane, "192.0.2.99", "Browser/2.1 (Linux)")  # the same network, an update
    sign_in(plane, jane, "198.51.100.7", "Browser/2.1 (Linux)")
    text = plane.mail(jane, "New sign-in")
    assert "198.51.100.0/24" in text and "Browser/2.1 (Linux)" in text
    sign_in(plane, jane, "192.0.2.10", "Tool/1")
    assert "Tool/1" in plane.mail(jane, "New sign-in", 2)
    sign_in(plane, jane, "198.51.100.8", "Browser/3.0 (Linux)")
    plane.api("PATCH", f"/admin/accounts/{jane}", {"password": NEW}, plane.admin, 200)
    plane.mail(jane, "Your account was changed")
    assert len(plane.box.to(jane, "New sign-in")) == 2
    account = plane.api("GET", f"/admin/accounts/{jane}", token=plane.admin)["id"]
    assert plane.select(f"SELECT COUNT(*) FROM known_places WHERE account_id = '{account}'") == "3"


def test_known_places_are_bounded(plane, jane):
    for n in range(23):
        sign_in(plane, jane, f"198.18.{n}.1", "Tool/1")
    account = plane.api("GET", f"/admin/accounts/{jane}", token=plane.admin)["id"]
    assert plane.select(f"SELECT COUNT(*) FROM known_places WHERE account_id = '{account}'") == "20"


def test_changes_are_told(plane, jane):
    session = plane.login(jane)
    session = plane.api("POST", "/me/password", {"current_password": PASSWORD, "new_password": NEW},
                        session["access_token"], 200)
    assert "the password was changed" in plane.mail(jane, "Your account was changed")
    factors.enrol_app(plane, session["access_token"])
    assert "an authenticator app was added" in plane.mail(jane, "Your second factor was changed")
    plane.api("DELETE", f"/admin/accounts/{jane}/factors", token=plane.admin, status=204)
    assert "took the second factors away" in plane.mail(jane, "Your second factor was changed", 2)
    token = plane.login(jane, NEW)["access_token"]
    begun = plane.api("POST", "/me/passkeys/options", token=token, status=200)
    credential = Passkey().create(begun["options"], origin="https://vpn.example.com", rp_id="vpn.example.com")
    plane.api("POST", "/me/passkeys", {"ticket": begun["ticket"], "name": "Key", "credential": credential}, token, 201)
    assert "a passkey was added" in plane.mail(jane, "Your second factor was changed", 3)
    plane.api("POST", "/admin/keys", {"name": "told", "permissions": ["self.read"]}, plane.admin, 201)
    wait_until(lambda: any("API key" in t for t in plane.box.to(ADMIN_EMAIL, "Your account was changed")),
               "the notice of the key", 40)


def test_a_copied_refresh_token_is_told(plane, jane):
    """Its holder learns of it, and what the thief may have begun ends with the session."""
    session, elsewhere = plane.login(jane), plane.fresh()
    plane.api("POST", "/me/email", {"email": elsewhere}, session["access_token"], 202)
    link = plane.link(elsewhere, "Confirm your e-mail", "verify-email")
    tokens = session
    for _ in range(2):
        tokens = plane.api("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}, status=200)
    for _ in range(2):
        plane.refused("POST", "/auth/refresh", {"refresh_token": session["refresh_token"]}, status=401,
                      code="invalid_grant", headers={"X-Slipway-Client-Address": "192.0.2.200",
                                                     "User-Agent": "Thief/1"})
    told = plane.mail(jane, "Your account was changed", 2)
    assert "its refresh token was used twice" in told
    assert "192.0.2.0/24" in told and "Thief/1" in told
    plane.refused("POST", "/auth/email-verification", {"token": link}, status=403,
                  code="verification_invalid")
    # Of the session that had ended before, nothing is told again.
    plane.login(jane)
    plane.api("PATCH", f"/admin/accounts/{jane}", {"password": NEW}, plane.admin, 200)
    assert "an administrator set a new password" in plane.mail(jane, "Your account was changed", 3)


# Passwords ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("password", [
    "short12", "password123", "Trustno1", "whocares1", "slipway2024!", "localhost99", "12345678",
    "ä" * 7])
def test_refused_passwords(plane, password):
    plane.refused("POST", "/admin/accounts", {"email": "refused@mail.test", "role": "user",
                  "password": password}, plane.admin, status=400, code="password_refused")


def test_passwords_made_of_the_address(plane):
    for password in ("joan.miller", "Joan.Miller42", "joan.miller@mail.test", "miller!!1"):
        plane.refused("POST", "/admin/accounts", {"email": "joan.miller@mail.test", "role": "user",
                      "password": password}, plane.admin, status=400, code="password_refused")


@pytest.mark.parametrize("password", ["ääääöööö", "x y z 1 2 3", "p" + "q" * 200, "🔑🐎🔋📎🗝🚢⚓🌊"])
def test_accepted_passwords(plane, password):
    address = plane.fresh()
    plane.api("POST", "/admin/accounts", {"email": address, "role": "user", "password": password},
              plane.admin, 201)
    assert plane.login(address, password)


# Deletion -------------------------------------------------------------------------------------------

def test_deleting_an_account(plane, jane):
    session = plane.login(jane)
    account = plane.api("GET", f"/admin/accounts/{jane}", token=plane.admin)["id"]
    key = plane.api("POST", "/me/keys", {"name": "own", "permissions": ["self.read"]},
                    session["access_token"], 201)["key"]
    factors.enrol_app(plane, session["access_token"])
    ask(plane, jane, headers={"X-Slipway-Client-Address": "192.0.2.77"})
    plane.api("DELETE", f"/admin/accounts/{jane}", token=plane.admin, status=204)
    plane.refused("GET", "/me", token=session["access_token"], status=401, code="token_revoked")
    plane.refused("GET", "/me", token=key, status=401, code="api_key_invalid")
    plane.refused("POST", "/auth/refresh", {"refresh_token": session["refresh_token"]}, status=401,
                  code="invalid_grant")
    plane.refused("POST", "/auth/login", {"email": jane, "password": PASSWORD}, status=401,
                  code="invalid_credentials")
    plane.refused("GET", f"/admin/accounts/{account}", token=plane.admin, status=404,
                  code="account_not_found")
    # The log has what was done, by id, and not who it was.
    assert plane.audit("account.delete", account)[0]["detail"] == {"licences": 0}
    assert not plane.api("GET", f"/admin/audit?q={jane}", token=plane.admin, status=200)["items"]
    # The address is free again.
    assert plane.account(plane.admin, jane)["id"] != account


def test_nothing_of_a_deleted_account_stays(plane, jane):
    """All tables that point at accounts; a new one has to be emptied too."""
    if plane.database != "sqlite":
        pytest.skip("the schema is the same")
    schema = plane.select("SELECT name FROM sqlite_master WHERE type = 'table' "
                          "AND sql LIKE '%account_id%'").split()
    session = plane.login(jane)
    account = plane.api("GET", f"/admin/accounts/{jane}", token=plane.admin)["id"]
    factors.enrol_app(plane, session["access_token"])
    ask(plane, jane, headers={"X-Slipway-Client-Address": "192.0.2.78"})
    plane.api("DELETE", f"/admin/accounts/{jane}", token=plane.admin, status=204)
    assert {"sessions", "factors", "recovery_codes", "known_places", "tickets"} <= set(schema)
    for table in schema:
        if table not in ("downloads", "uploads"):  # these keep the id, a pseudonym by now
            assert plane.select(f"SELECT COUNT(*) FROM {table} WHERE account_id = '{account}'") == "0"


def test_licences_keep_an_account(plane, jane):
    plane.api("POST", "/admin/products", {"name": f"p-{jane.split('@')[0]}", "title": "P"}, plane.admin, 201)
    made = plane.api("POST", "/admin/licences", {"account": jane, "max_devices": 2,
                     "product": f"p-{jane.split('@')[0]}"}, plane.admin, 201)
    device = {"name": "d", "os": "linux", "arch": "amd64", "fingerprint": "f" * 32}
    active = plane.api("POST", "/licences/activate", {"licence_key": made["licence_key"],
                                                     "device": device}, status=200)
    plane.refused("DELETE", f"/admin/accounts/{jane}", token=plane.admin, status=409,
                  code="licences_running")
    plane.refused("DELETE", "/me", token=plane.login(jane)["access_token"], status=409,
                  code="licences_running")
    plane.api("DELETE", f"/admin/accounts/{jane}?licences=delete", token=plane.admin, status=204)
    plane.refused("GET", f"/admin/licences/{made['id']}", token=plane.admin, status=404,
                  code="licence_not_found")
    plane.refused("GET", "/packages/manifest?product=none", token=active["device_token"], status=401,
                  code="credentials_stale")
    answer = plane.request("POST", "/api/v1/licences/activate",
                           {"licence_key": made["licence_key"], "device": device})
    assert answer.status in (403, 404), answer


def test_an_ended_licence_goes_with_the_account(plane, jane):
    name = f"p-{jane.split('@')[0]}"
    plane.api("POST", "/admin/products", {"name": name, "title": "P"}, plane.admin, 201)
    made = plane.api("POST", "/admin/licences", {"account": jane, "product": name}, plane.admin, 201)
    plane.sql(f"UPDATE licences SET expires_at = 1 WHERE id = '{made['id']}'")
    plane.api("DELETE", f"/admin/accounts/{jane}", token=plane.admin, status=204)


def test_deleting_oneself(plane, jane):
    session = plane.login(jane)
    plane.sql(f"UPDATE sessions SET authenticated_at = 1 WHERE id = '{session['session_id']}'")
    plane.refused("DELETE", "/me", token=session["access_token"], status=403, code="step_up_required")
    plane.api("POST", "/auth/step-up", {"password": PASSWORD}, session["access_token"], 204)
    plane.api("DELETE", "/me", token=session["access_token"], status=204)
    plane.refused("GET", "/me", token=session["access_token"], status=401, code="token_revoked")


def test_the_last_administrator_stays(plane):
    for invited in plane.api("GET", "/admin/accounts?limit=200", token=plane.admin)["items"]:
        if invited["role"] == "admin" and invited["email"] != ADMIN_EMAIL:
            plane.api("DELETE", f"/admin/accounts/{invited['id']}", token=plane.admin, status=204)
    plane.refused("DELETE", f"/admin/accounts/{ADMIN_EMAIL}", token=plane.admin, status=409,
                  code="last_admin")
    plane.refused("DELETE", "/me", token=plane.admin, status=409, code="last_admin")


# Organisations --------------------------------------------------------------------------------------

def test_organisations_with_members(plane, jane):
    made = plane.api("POST", "/admin/organisations", {"name": "Acme"}, plane.admin, 201)
    plane.api("POST", "/admin/organisations", {"name": "Beta"}, plane.admin, 201)
    renamed = plane.api("PATCH", "/admin/organisations/Acme", {"name": "Acme Ltd"}, plane.admin, 200)
    assert renamed == {**made, "name": "Acme Ltd"}
    plane.refused("PATCH", "/admin/organisations/Beta", {"name": "Acme Ltd"}, plane.admin, status=409,
                  code="name_taken")
    plane.refused("PATCH", "/admin/organisations/Acme", {"name": "x"}, plane.admin, status=404,
                  code="organisation_not_found")
    plane.refused("PATCH", "/admin/organisations/Beta", {"name": "org_x"}, plane.admin, status=400,
                  code="invalid_member")
    moved = plane.api("PATCH", f"/admin/accounts/{jane}", {"organisation": "Acme Ltd"}, plane.admin, 200)
    assert (moved["organisation"], moved["organisation_name"]) == (made["id"], "Acme Ltd")
    members = plane.api("GET", "/admin/organisations/Acme%20Ltd/members", token=plane.admin, status=200)
    assert [m["email"] for m in members["items"]] == [jane]
    detail = plane.refused("DELETE", f"/admin/organisations/{made['id']}", token=plane.admin, status=409,
                           code="organisation_not_empty")
    assert detail.endswith(": 1.")
    plane.api("PATCH", f"/admin/accounts/{jane}", {"organisation": None}, plane.admin, 200)
    plane.api("DELETE", f"/admin/organisations/{made['id']}", token=plane.admin, status=204)
    plane.refused("GET", f"/admin/organisations/{made['id']}", token=plane.admin, status=404,
                  code="organisation_not_found")


# Without mail ---------------------------------------------------------------------------------------

def test_a_server_without_mail(database):
    if database != "sqlite":
        pytest.skip("one server is enough")
    plane = Plane("sqlite", ["server_name=vpn.example.com"])
    try:
        plane.start()
        plane.admin = plane.administrator()
        made = plane.invite("paper@mail.test")
        assert made["link"].startswith("https://vpn.example.com/invitation#slt_")
        token = made["link"].partition("#")[2]
        assert plane.api("POST", "/auth/invitation", {"token": token, "password": NEW}, status=201)
        # Who was handed a link has not shown that mail reaches them.
        assert plane.api("GET", "/admin/accounts/paper@mail.test", token=plane.admin)["verified_at"] is None
        for address in ("paper@mail.test", "nobody@mail.test"):
            plane.refused("POST", "/auth/password-reset", {"email": address}, status=503, code="mail_off")
        plane.refused("POST", "/me/email", {"email": "x@mail.test"}, plane.admin, status=503,
                      code="mail_off")
    finally:
        plane.close()
