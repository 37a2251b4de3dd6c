"""Every credential at every door: what opens one opens no other, what was never issued opens none, and
presenting it changes nothing. Doors are the places that take a credential of any kind, of the API and of
nginx; credentials are one of each kind there is, those altered a little, and all that forgery.py makes.

First everything is tried where it does not belong; then each is tried where it does, and must still be good."""
import dataclasses
import email
import email.policy
import json
import re
import subprocess
import time
import urllib.parse

import pytest
from aiosmtpd.controller import Controller

import callers
import ci
import control
import factors
import forgery
import liar
import slipway
from control import claims_of
from slipway import SLIPWAY, free_port, wait_until

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
PLATFORM = "linux-amd64"
PASSKEY = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {
    "clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA", "userHandle": "AAAA"}}


@dataclasses.dataclass
class Door:
    """send: how a credential is presented. takes: those that are right here. refusals: (status, code) of
    those that are not; nothing else is said of any. opened: of those that are."""
    name: str
    send: object
    takes: tuple
    refusals: set
    opened: set


class Box:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope.rcpt_tos[0], message.get_content()))
        return "250 OK"


class World:
    def __init__(self, server, box, provider, issuer):
        self.server, self.box, self.provider, self.issuer = server, box, provider, issuer
        plane = self.plane = object.__new__(control.Control)
        plane.data, plane.database, plane.psql = server.data, server.database, control.Psql(server.database)
        plane.admin = plane.login(control.ADMIN_EMAIL)["access_token"]
        self.make = callers.Callers(plane, plane.admin)
        self.asker, self.count = callers.Asker(plane), 0
        self.nginx = callers.Asker(server)
        plane.api("POST", "/admin/products", {"name": "vpn"}, plane.admin, 201)
        self.package = server.publish(self.file(), "vpn", "1.0.0")["packages"][0]["id"]
        plane.api("POST", "/admin/identity-providers", {
            "name": "liar", "issuer": provider.issuer, "client_id": liar.CLIENT,
            "client_secret": liar.SECRET, "rules": [{"role": "user"}]}, plane.admin, 201)
        ci.trust(plane, issuer, plane.admin, permissions=["release.write"])
        self.jane = plane.account(plane.admin, "jane@example.com")
        self.mfa = plane.account(plane.admin, "mfa@example.com")["email"]
        self.app, self.codes = factors.enrol_app(plane, plane.login(self.mfa)["access_token"])
        self.browser = self.sign_in_browser()
        self.away = self.go_away()

    def file(self):
        path = self.server.dir / "vpn.run"
        path.write_text("#!/bin/sh\n")
        return path

    def api(self, *request, **more):
        return self.plane.api(*request, **more)

    # Credentials: one of each kind, fresh --------------------------------------------------------

    def login(self):
        return self.plane.login("jane@example.com")

    def licence(self):
        return self.api("POST", "/admin/licences", {"account": "jane@example.com", "product": "vpn",
                                                    "max_devices": 9}, self.plane.admin, 201)["licence_key"]

    def activated(self):
        self.count += 1
        return self.api("POST", "/licences/activate", {"licence_key": self.licence(), "device": {
            "name": "n", "os": "linux", "arch": "amd64", "fingerprint": f"fingerprint-{self.count:08}"}},
            status=200)

    def sign_in_browser(self):
        answer = self.plane.request("POST", "/api/v1/auth/login", {
            "email": "jane@example.com", "password": control.PASSWORD, "session": "cookie"},
            headers={"Sec-Fetch-Site": "same-origin", "Origin": self.server.url})
        return answer.headers["Set-Cookie"].split(";")[0].split("=", 1)[1], answer.json["csrf_token"]

    def go_away(self):
        """The state of a sign-in at a provider, and the cookie of the browser that began it."""
        answer = self.plane.request("GET", "/api/v1/auth/oidc/liar/start")
        state = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))["state"]
        return state, answer.headers["Set-Cookie"].split(";")[0]

    def mailed(self, address, page):
        """The ticket in the last mail to the address that leads to this page."""
        def found():
            links = [re.search(rf"/{page}#(slt_[\w-]+)", text) for to, text in self.box.mails if to == address]
            return next((m[1] for m in reversed(links) if m), None)
        return wait_until(found, f"a mail with /{page}", 40)

    def invitation(self):
        self.count += 1
        address = f"invited{self.count}@example.com"
        self.api("POST", "/admin/invitations", {"email": address, "role": "user"}, self.plane.admin, 201)
        return self.mailed(address, "invitation")

    def reset(self):
        self.api("POST", "/auth/password-reset", {"email": "reset@example.com"}, status=202)
        return self.mailed("reset@example.com", "reset-password")

    def verification(self):
        self.count += 1
        address = f"new{self.count}@example.com"
        token = self.plane.login("mover@example.com")["access_token"]
        self.api("POST", "/me/email", {"email": address}, token, 202)
        return self.mailed(address, "verify-email")

    def device_code(self):
        begun = self.api("POST", "/oauth/device_authorization", "client_id=slipway-cli", headers=FORM, status=200)
        self.api("POST", "/oauth/device", {"user_code": begun["user_code"], "approve": True},
                 self.login()["access_token"], 204)
        return begun["device_code"]

    def user_code(self):
        return self.api("POST", "/oauth/device_authorization", "client_id=slipway-cli", headers=FORM,
                        status=200)["user_code"]

    def job(self):
        return ci.exchange(self.plane, self.issuer.token("slipway:tests"))["access_token"]

    def second_factor(self):
        answer = self.plane.request("POST", "/api/v1/auth/login", {"email": self.mfa, "password": control.PASSWORD})
        return answer.json["mfa_token"]

    def set_up(self):
        made = subprocess.run([SLIPWAY, "setup-token", "--data", self.server.data, "--json"], check=True,
                              capture_output=True, text=True)
        return json.loads(made.stdout)["setup_token"]

    def id_token(self):
        self.provider.user = {"sub": "s", "email": "s@example.com", "email_verified": True}
        return self.provider.id_token("n" * 43, "access")

    def kinds(self):
        return {
            "access token": lambda: self.login()["access_token"],
            "device's access token": lambda: self.activated()["access_token"],
            "job's access token": self.job,
            "device token": lambda: self.activated()["device_token"],
            "download token": lambda: self.api("POST", "/downloads/token", {"package_id": self.package},
                                               self.plane.admin, 200)["token"],
            "refresh token": lambda: self.login()["refresh_token"],
            "device's refresh token": lambda: self.activated()["refresh_token"],
            "session cookie": lambda: self.sign_in_browser()[0],
            "CSRF token": lambda: self.browser[1],
            "API key": lambda: self.api("POST", "/me/keys", {"name": "k", "permissions": [
                "product.read", "self.read"]}, self.plane.admin, 201)["key"],
            "licence key": self.licence,
            "set-up token": self.set_up,
            "second factor's ticket": self.second_factor,
            "invitation": self.invitation,
            "reset link": self.reset,
            "verification link": self.verification,
            "provider's state": lambda: self.away[0],
            "passkey's challenge": lambda: self.api("POST", "/auth/passkey/options", {}, status=200)["ticket"],
            "device code": self.device_code,
            "user code": self.user_code,
            "recovery code": lambda: self.codes.pop(),
            "provider's id_token": self.id_token,
            "provider's logout_token": lambda: self.provider.logout_token(sub="nobody"),
            "CI provider's token": lambda: self.issuer.token("slipway:tests"),
            "session id": lambda: self.login()["session_id"],
            "jti": lambda: claims_of(self.plane.admin)["jti"],
            "kid": lambda: control.header_of(self.plane.admin)["kid"],
            "key set": lambda: self.plane.request("GET", "/.well-known/jwks.json").body.decode(),
            "checkpoint's signature": lambda: "9" * 88,
            "authenticator's secret": lambda: self.app.secret,
            "password": lambda: control.PASSWORD}

    # Doors ---------------------------------------------------------------------------------------

    def post(self, path, body, headers=None):
        return self.asker.send("POST", "/api/v1" + path, body, headers)

    def form(self, path, signed_in=None, **fields):
        bearer = {"Authorization": f"Bearer {signed_in}"} if signed_in else {}
        return self.post(path, urllib.parse.urlencode(fields), {**FORM, **bearer})

    def bearer(self, method, path, asker=None, body=None):
        def send(text):
            return (asker or self.asker).send(method, path, body, {"Authorization": f"Bearer {text}"})
        return send

    def come_back(self, text):
        """What the page is told to say, as a code."""
        query = urllib.parse.urlencode({"state": text, "code": "c", "iss": self.provider.issuer})
        answer = self.asker.send("GET", f"/api/v1/auth/oidc/liar/callback?{query}", None, {"Cookie": self.away[1]})
        if answer.status == 303:
            said = urllib.parse.urlsplit(answer.headers["Location"])
            answer.body = json.dumps({"code": dict(urllib.parse.parse_qsl(said.query)).get("error")}).encode()
        return answer

    def factor(self, **answer):
        def send(text):
            return self.post("/auth/second-factor", {"mfa_token": self.waiting, **{
                name: text for name in answer}})
        self.waiting = self.second_factor()
        return send

    def doors(self):
        access = {"access token", "device's access token", "job's access token"}
        signed_out = {(401, "token_invalid"), (401, "token_wrong_kind"), (401, "token_expired"),
                      (401, "api_key_invalid"), (401, "credentials_unsupported"), (401, "token_revoked")}
        nginx = {(401, "invalid_token"), (401, "wrong_token_kind"), (401, "token_expired"), (401, "wrong_audience"),
                 (401, "token_not_yet_valid"), (400, None)}
        download = nginx | {(404, "not_found"), (401, "authentication_required"), (403, "wrong_file"), (414, None)}
        long = (400, "invalid_member")
        url = f"/api/v1/updates/check?product=vpn&version=0.0.1&platform={PLATFORM}"
        held = {"Cookie": f"__Host-sid={self.browser[0]}", "Origin": self.server.url,
                "Sec-Fetch-Site": "same-origin"}

        def door(name, send, takes, *refusals, opened=None):
            return Door(name, send, tuple(takes), set(refusals) | {long}, opened or {(200, None), (204, None)})

        return [
            door("Bearer of GET /me", self.bearer("GET", "/api/v1/me"), access | {"API key"}, *signed_out,
                 opened={(200, None), (403, "account_needed"), (403, "permission_missing")}),
            door("Bearer where nobody need be known", self.bearer("GET", "/api/v1/auth/providers"),
                 access | {"API key"}, *signed_out),
            door("Bearer of a manifest", self.bearer("GET", "/api/v1/packages/manifest?product=vpn"),
                 access | {"API key", "device token"}, *signed_out),
            door("Bearer of an upload", self.bearer("PATCH", "/api/v1/admin/uploads/upl_none"),
                 access | {"API key"}, *signed_out, opened={(403, "permission_missing")}),
            door("Bearer of a form", lambda text: self.form("/oauth/introspect", text, token="x"),
                 access | {"API key"}, (401, "invalid_token"), opened={(403, "insufficient_scope")}),
            door("Bearer through nginx", self.bearer("GET", "/api/v1/me", self.nginx), access | {"API key"},
                 *signed_out, opened={(200, None), (403, "account_needed"), (403, "permission_missing")}),
            door("Bearer of an update check", self.bearer("GET", url, self.nginx),
                 access | {"device token"}, *nginx),
            door("Bearer of a download", self.bearer("GET", "/d/vpn.run", self.nginx), {"download token"}, *download),
            door("path of a download", lambda text: self.nginx.send(
                "GET", f"/d/{urllib.parse.quote(text, safe='')}/vpn.run"), {"download token"}, *download),
            door("query of a download", lambda text: self.nginx.send(
                "GET", f"/d/vpn.run?token={urllib.parse.quote(text, safe='')}"), {"download token"}, *download),
            door("cookie", lambda text: self.asker.send(
                "GET", "/api/v1/me", None, {"Cookie": f"__Host-sid={text}"}), {"session cookie"},
                (401, "session_ended"), (401, "authentication_required")),
            door("X-CSRF-Token", lambda text: self.asker.send(
                "POST", "/api/v1/auth/step-up/options", None, {**held, "X-CSRF-Token": text}), {"CSRF token"},
                (403, "csrf")),
            door("second factor's ticket", lambda text: self.post("/auth/second-factor", {
                "mfa_token": text, "recovery_code": "wrong"}), {"second factor's ticket"},
                (401, "mfa_token_invalid"), opened={(401, "invalid_factor")}),
            door("recovery code", self.factor(recovery_code=1), {"recovery code"},
                 (401, "invalid_factor"), (429, "sign_in_throttled")),
            door("invitation", lambda text: self.post("/auth/invitation", {
                "token": text, "password": "too short"[:7]}), {"invitation"}, (403, "invitation_invalid"),
                opened={(400, "password_refused")}),
            door("reset link", lambda text: self.post("/auth/password-reset/confirm", {
                "token": text, "password": "short"}), {"reset link"}, (403, "reset_invalid"),
                opened={(400, "password_refused")}),
            door("verification link", lambda text: self.post("/auth/email-verification", {"token": text}),
                 {"verification link"}, (403, "verification_invalid")),
            door("passkey's challenge", lambda text: self.post("/auth/passkey", {
                "ticket": text, "credential": PASSKEY}), {"passkey's challenge"}, (401, "challenge_invalid"),
                opened={(401, "invalid_passkey")}),
            door("provider's state", self.come_back, {"provider's state"}, (303, "sign_in_expired"),
                 opened={(303, "provider_refused")}),
            door("logout_token", lambda text: self.form(
                "/auth/oidc/liar/backchannel-logout", logout_token=text), {"provider's logout_token"},
                (400, "logout_token_invalid")),
            door("user code", lambda text: self.asker.send(
                "GET", "/api/v1/oauth/device?" + urllib.parse.urlencode({"user_code": text}), None,
                {"Authorization": f"Bearer {self.plane.admin}"}), {"user code"}, (404, "user_code_unknown")),
            door("device code", lambda text: self.form(
                "/oauth/token", grant_type=DEVICE_CODE, client_id="slipway-cli", device_code=text),
                {"device code"}, (400, "invalid_grant"), (400, "invalid_request")),
            door("token to exchange", lambda text: self.form(
                "/oauth/token", grant_type=ci.EXCHANGE, subject_token=text, subject_token_type=ci.JWT),
                {"CI provider's token"}, (400, "invalid_grant"), (400, "invalid_request")),
            door("licence key", lambda text: self.post("/licences/activate", {"licence_key": text, "device": {
                "name": "n", "os": "linux", "arch": "amd64", "fingerprint": "f" * 20}}), {"licence key"},
                (400, "licence_key_malformed"), (403, "licence_key_unknown")),
            door("set-up token", lambda text: self.post("/setup", {
                "token": text, "email": "x@example.com", "password": "short"}), {"set-up token"},
                (403, "setup_token_invalid"), (409, "setup_done"), opened={(400, "password_refused")}),
            door("refresh token", lambda text: self.post("/auth/refresh", {"refresh_token": text}),
                 {"refresh token", "device's refresh token"}, (401, "invalid_grant")),
            door("refresh_token of a grant", lambda text: self.form(
                "/oauth/token", grant_type="refresh_token", refresh_token=text),
                {"refresh token", "device's refresh token"}, (400, "invalid_grant"), (400, "invalid_request")),
            door("token to introspect", self.introspect, access | {"device token"}, (200, "inactive")),
            door("token to revoke, by id", self.revoke_by_admin, access | {"device token", "download token"},
                 (400, "token_invalid")),
            door("token to revoke", lambda text: self.form("/oauth/revoke", token=text),
                 access | {"device token", "refresh token", "device's refresh token", "API key"},
                 (200, None), (400, "unsupported_token_type"), (400, "invalid_request"),
                 opened={(200, None), (400, "unsupported_token_type")}),
            door("session to end", lambda text: self.post("/auth/logout", {"refresh_token": text}),
                 {"refresh token", "device's refresh token"}, (204, None), (400, "invalid_member")),
        ]

    def revoke_by_admin(self, text):
        return self.asker.send("DELETE", "/api/v1/tokens/revoke", {"token": text},
                               {"Authorization": f"Bearer {self.plane.admin}"})

    def introspect(self, text):
        answer = self.form("/oauth/introspect", self.plane.admin, token=text)
        if answer.status == 200 and not answer.json["active"]:
            answer.body = b'{"code": "inactive"}' if answer.json == {"active": False} else b'{"code": "says more"}'
        return answer


@pytest.fixture(scope="module")
def world(database):
    port, box, provider, issuer = free_port(), Box(), liar.Provider(), ci.Issuer()
    mails = Controller(box, hostname="127.0.0.1", port=port)
    mails.start()
    server = slipway.Server(database, ["limit.api=1000000", "limit.check=1000000", "login.attempts=1000",
                                       "session.limit=900", "net.allow_insecure_loopback=true",
                                       f"mail.server=smtp://127.0.0.1:{port}", "mail.from=slipway@example.com"])
    server.database = database
    server.settings.append(f"public_url={server.url}")
    try:
        made = World(server.start(), box, provider, issuer)
        for name in ("reset", "mover"):
            made.api("POST", "/admin/accounts", {"email": f"{name}@example.com", "role": "user",
                                                 "password": control.PASSWORD}, made.plane.admin, 201)
        yield made
        made.plane.psql.close()
    finally:
        server.close()
        mails.stop()
        provider.close()
        issuer.close()


def verdict(answer):
    """(status, code), in whatever words the door speaks."""
    said = {}
    if answer.body and answer.headers.get("Content-Type", "").split(";")[0] in (
            "application/json", "application/problem+json") or answer.status == 303:
        said = json.loads(answer.body)
    return answer.status, said.get("code") or said.get("error")


def never_issued(world):
    forger, now = forgery.Forger(world.server.data), int(time.time())
    access = claims_of(world.plane.admin)
    activated = world.activated()
    download = claims_of(world.api("POST", "/downloads/token", {"package_id": world.package}, world.plane.admin,
                                   200)["token"])
    claims = {"access": access, "device": claims_of(activated["device_token"]), "download": download}
    claims = {kind: {**said, "iat": now, "exp": now + 600} for kind, said in claims.items()}
    assert world.bearer("GET", "/api/v1/me")(forger.good("access", access)).status == 200
    assert world.introspect(forger.good("device", claims["device"])).json["active"]
    assert world.bearer("GET", "/d/vpn.run", world.nginx)(forger.good("download", claims["download"])).status == 200
    yield from forger.crossed(claims)
    for kind, said in claims.items():
        yield from ((f"{kind} token: {what}", token) for what, token in forger.tricks(kind, said))


def present(door, text):
    """(status, code), or None where a header cannot have this text."""
    try:
        return verdict(door.send(text))
    except ValueError:
        return None


def test_each_credential_opens_its_own_door(world):
    kinds, doors = world.kinds(), world.doors()
    real = {kind: make() for kind, make in kinds.items()}
    typed = {"licence key", "user code", "recovery code", "authenticator's secret", "password"}  # leniently read
    presented = list(real.items()) + list(never_issued(world))
    presented += [(f"{kind}, {how}", text) for kind in kinds.keys() - typed
                  for how, text in forgery.altered(real[kind])]
    cells = [(door, what, text) for door in doors for what, text in presented if what not in door.takes]
    got = world.asker.all(lambda cell: present(cell[0], cell[2]), cells, 4)
    wrong = [(door.name, what, "", "a refusal", verdict_)
             for (door, what, _), verdict_ in zip(cells, got) if verdict_ and verdict_ not in door.refusals]
    assert not wrong, callers.report(wrong)
    assert len(cells) > 5000
    # All that was presented in wrong places is still good in its own, and then used up.
    for door in doors:
        for kind in door.takes:
            text = real.pop(kind, None) or kinds[kind]()
            assert present(door, text) in door.opened, f"{door.name} with the {kind}"
    assert not real.keys() & {kind for door in doors for kind in door.takes}
