"""Who may ask, with every kind of credentials there is, and what each of them is owed by each route: an
oracle that is written from the documentation and shares nothing with the server but the words of its
OpenAPI document. tests/integration/test_permission_matrix.py asks; this says what must be answered."""
import concurrent.futures
import dataclasses
import http.client
import itertools
import json
import re
import threading
import time

import control
from control import PASSWORD
from slipway import Answer

EVERYBODY = frozenset({"self.read", "self.write", "product.read", "download.request"})
ORIGIN = "https://localhost"
OURS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
SAFE = ("GET", "HEAD", "OPTIONS")
# Where nobody need be known, but who is known needs a permission.
UNLESS_ANONYMOUS = {"/api/v1/downloads/token": "download.request",
                    "/api/v1/downloads/{id}/renew": "download.request",
                    "/api/v1/downloads/complete": "download.request"}
PASS = "pass"


@dataclasses.dataclass(frozen=True)
class Route:
    method: str
    path: str
    permission: str
    device: bool
    step_up: bool
    scopes: frozenset
    form: bool
    body: bool

    def __str__(self):
        return f"{self.method} {self.path}"


def routes_of(document):
    for path, item in document["paths"].items():
        for method, o in item.items():
            content = o.get("requestBody", {}).get("content", {})
            yield Route(method.upper(), path, o["x-permission"], o["x-device-token"], o["x-step-up"],
                        frozenset(o["x-scopes"]), "application/x-www-form-urlencoded" in content,
                        "application/json" in content)


@dataclasses.dataclass(frozen=True)
class Caller:
    """What is known of one who asks, and the headers that prove it. products: None is all of them."""
    name: str
    kind: str  # anonymous, session, cookie, key, device, job
    permissions: frozenset = frozenset()
    headers: dict = dataclasses.field(default_factory=dict, hash=False)
    account: str = None
    products: frozenset = None
    own_organisation: bool = False
    organisation: str = None
    fresh: bool = True  # proved who they are a short time ago
    ours: bool = True   # cookie: asked for by a page of this server
    role_reaches_all: bool = False  # no role reaches further than theirs

    def holds(self, permission):
        return permission in self.permissions


def is_personal(permission):
    """Concerns nobody but its holder, so that nothing narrows it."""
    return permission.startswith("self.") or permission in ("download.request", "product.read")


def decision(route, caller):
    """(status, code) that refuses this caller on this route whatever it asks for, or PASS."""
    changes = route.method not in SAFE
    if caller.kind == "device" and not route.device:
        return 401, "token_wrong_kind"
    anonymous = caller.kind == "anonymous"
    if caller.kind == "cookie" and changes and not caller.ours:
        if route.permission != "anyone":
            return 403, "csrf"
        anonymous = True
    if route.permission == "internal":
        return 404, "no_such_endpoint"
    if route.permission == "anyone":
        return PASS
    if anonymous:
        return 401, "authentication_required"
    if route.permission == "signed_in":
        return PASS
    if not caller.holds(route.permission):
        return 403, "permission_missing"
    if not is_personal(route.permission):
        if caller.products is not None and "product" not in route.scopes:
            return 403, "beyond_scope"
        if caller.own_organisation and "organisation" not in route.scopes:
            return 403, "beyond_scope"
    if route.step_up and caller.kind == "job":
        return 403, "person_needed"
    if route.step_up and caller.kind in ("session", "cookie") and not caller.fresh:
        return 403, "step_up_required"
    return PASS


# Asking -------------------------------------------------------------------------------------------

class Asker:
    """Requests over connections that are kept, one a thread: a cell costs what its request does."""

    def __init__(self, plane):
        self.plane, self.local = plane, threading.local()

    def connection(self):
        if not hasattr(self.local, "connection"):
            self.local.connection = self.plane.connection()
        return self.local.connection

    def api(self, *request, **more):
        """As that of the plane."""
        return self.plane.api(*request, connection=self.connection(), **more)

    def send(self, method, path, body=None, headers=None):
        headers = {"X-Slipway-Client-Address": "203.0.113.77", **(headers or {})}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        for attempt in (1, 2):
            connection = self.connection()
            try:
                connection.request(method, path, body=body, headers=headers)
                response = connection.getresponse()
                return Answer(response.status, response.headers, response.read())
            except (http.client.HTTPException, ConnectionError):
                # Closed by the server after the answer before, which it may.
                connection.close()
                del self.local.connection
                if attempt == 2:
                    raise

    def all(self, ask, cells, threads=8):
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            return list(pool.map(ask, cells))


def code_of(answer, route):
    """Why a request failed; of OAuth's own words those that stand for ours."""
    if answer.status < 400 or not answer.body:
        return None
    if not route.form:
        return control.check_problem(answer)["code"]
    return answer.json["error"]


OAUTH_WORDS = {"permission_missing": "insufficient_scope", "token_wrong_kind": "invalid_token",
               "authentication_required": "invalid_token", "beyond_scope": "access_denied",
               "csrf": "access_denied", "step_up_required": "access_denied", "person_needed": "access_denied"}


def report(wrong):
    """The cells that are not as they must be, one a line."""
    lines = [f"  {route!s:62} {caller:44} {what:24} expected {expected}, got {got}"
             for route, caller, what, expected, got in wrong]
    return f"{len(lines)} cells are wrong:\n" + "\n".join(lines[:60])


# The callers ---------------------------------------------------------------------------------------

def bearer(token):
    return {"Authorization": f"Bearer {token}"}


class Callers:
    """Makes them. Passwords are costly on purpose, so one of them is hashed and written to all."""

    def __init__(self, plane, admin):
        self.plane, self.admin, self.count = plane, admin, itertools.count(1)
        self.asker = Asker(plane)
        self.api = self.asker.api
        self.hashing = threading.Lock()  # who signs in while many others do is told to come back
        me = self.api("GET", "/me", token=admin, status=200)
        self.everything = frozenset(me["permissions"])
        self.admin_id = me["account_id"]

    def role(self, permissions, **more):
        name = f"role-{next(self.count)}"
        self.api("POST", "/admin/roles", {"name": name, "permissions": sorted(permissions), **more},
                       self.admin, 201)
        return name

    def account(self, role, organisation=None):
        """(id, address) of an account with PASSWORD, written behind the server's back."""
        number = next(self.count)
        email, made = f"somebody{number}@matrix.example", f"acc_{number:026}"
        place = f"'{organisation}'" if organisation else "NULL"
        self.plane.sql(
            "INSERT INTO accounts (id, email, email_key, role, organisation_id, password_hash, state, "
            f"epoch, created_at, factor_required) SELECT '{made}', '{email}', '{email}', '{role}', "
            f"{place}, password_hash, 'active', 1, created_at, 0 FROM accounts "
            f"WHERE id = '{self.admin_id}'")
        return made, email

    def login(self, email):
        with self.hashing:
            return self.api("POST", "/auth/login", {"email": email, "password": PASSWORD}, status=200)

    def session(self, name, email, permissions, **facts):
        tokens = self.login(email)
        return Caller(name, "session", frozenset(permissions), bearer(tokens["access_token"]), **facts)

    def grow_old(self, session):
        self.plane.sql(f"UPDATE sessions SET authenticated_at = {int((time.time() - 86400) * 1e6)} "
                       f"WHERE id = '{session}'")

    def stale(self, name, email, permissions, **facts):
        """Signed in, but not lately."""
        tokens = self.login(email)
        self.grow_old(tokens["session_id"])
        return Caller(name, "session", frozenset(permissions), bearer(tokens["access_token"]),
                      fresh=False, **facts)

    def cookies(self, email, permissions, **facts):
        """One browser's session: as our pages use it, as others would have to, and what lies between."""
        answer = self.plane.request("POST", "/api/v1/auth/login", {
            "email": email, "password": PASSWORD, "session": "cookie"}, headers=OURS)
        assert answer.status == 200, answer
        cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
        proof = {"X-CSRF-Token": answer.json["csrf_token"]}
        elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        forms = {"": ({**cookie, **OURS, **proof}, True), " without its token": ({**cookie, **OURS}, False),
                 " from elsewhere": ({**cookie, **elsewhere}, False),
                 " from elsewhere with its token": ({**cookie, **elsewhere, **proof}, False)}
        for what, (headers, ours) in forms.items():
            yield Caller(f"cookie{what}", "cookie", frozenset(permissions), headers, ours=ours, **facts)

    def key(self, name, permissions, token=None, **more):
        """An API key of the one whose token it is."""
        made = self.api("POST", "/me/keys", {"name": name, "permissions": sorted(permissions),
                                                      **more}, token or self.admin, 201)
        products = frozenset(more["products"]) if "products" in more else None
        return Caller(f"key {name}", "key", frozenset(permissions), bearer(made["key"]),
                      account=made["account_id"], products=products)

    def program(self, name, parent, permissions, product=None):
        """Signed in from the session of parent with a device code, for some of its permissions. What a parent
        that is not fresh approved has grown old since: when it approved, it was."""
        scope = " ".join(sorted(permissions)) + (f" product:{product}" if product else "")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        begun = self.api("POST", "/oauth/device_authorization",
                               f"client_id=slipway-cli&scope={scope.replace(' ', '+').replace(':', '%3A')}",
                               headers=form, status=200)
        self.api("POST", "/oauth/device", {"user_code": begun["user_code"], "approve": True},
                       headers=parent.headers, status=204)
        tokens = self.api(
            "POST", "/oauth/token", "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id="
            f"slipway-cli&device_code={begun['device_code']}", headers=form, status=200)
        if not parent.fresh:
            self.grow_old(control.claims_of(tokens["access_token"])["sid"])
        products = frozenset({product}) if product else parent.products
        return dataclasses.replace(parent, name=name, permissions=frozenset(permissions),
                                   headers=bearer(tokens["access_token"]), products=products)


def concrete(path, **values):
    """A path that fits the template; what is not given names nothing that exists."""
    return re.sub(r"\{(\w+)\}", lambda m: values.get(m.group(1), f"none-{m.group(1)}"), path)
