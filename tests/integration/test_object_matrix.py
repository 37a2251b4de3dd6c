"""Whose things one may deal with: every route that is about an object × callers × whose the object is
(one's own, another's, of one's organisation, of another, of nobody, missing) × products inside and outside
what narrows the caller. What is expected comes from callers.decision() and allowed() below.

What is not one's own is answered like what does not exist, to the letter."""
import base64
import collections
import dataclasses
import itertools
import re

import pytest

import callers
import control
from callers import EVERYBODY, PASS, UNLESS_ANONYMOUS, Caller, bearer, decision

PLATFORM = "linux-amd64"
TUS = {"Tus-Resumable": "1.0.0"}
DONE = (200, 201, 202, 204, 409)  # 409: let in, and it is not possible now


@dataclasses.dataclass(frozen=True)
class Thing:
    whose: str
    id: str
    organisation: str = None
    product: str = None
    owner: str = None
    reaches_all: bool = False  # an account that no role narrowed to anything may touch
    missing: bool = False


@dataclasses.dataclass(frozen=True)
class Deed:
    """A request about a thing. path: {thing} is its id. body: from the thing. by: what decides."""
    method: str
    template: str
    kind: str
    by: str  # organisation, product, licence (both), owner
    path: str = None  # where it is not the template
    body: object = None
    headers: tuple = ()
    acts_on_role: bool = False
    unknown: tuple = (404,)  # how a missing thing is answered
    beyond: tuple = (404,)   # how another's is
    uses_up: bool = False    # the thing, where it succeeds
    let_in: str = None       # the code of who was let in, and asked for something that cannot be
    for_home: bool = False   # names an account of Home besides
    session: bool = False    # API keys cannot


def reason(_):
    return {"reason": "x"}


VERSIONS = itertools.count(1)
ACCOUNT, LICENCE, DEVICE = "/admin/accounts/{id}", "/admin/licences/{id}", "/admin/devices/{id}"
RELEASE, PACKAGE, PRODUCT = "/admin/releases/{id}", "/admin/packages/{id}", "/admin/products/{product}"
UPLOAD = "/admin/uploads/{id}"
DEVICE_FACTS = {"name": "n", "os": "linux", "arch": "amd64"}
NOT_YOUR_ORGANISATION = (403, "beyond_your_organisation")

DEEDS = [
    # Accounts and what is of organisations
    Deed("GET", ACCOUNT, "account", "organisation"),
    Deed("PATCH", ACCOUNT, "account", "organisation", body=lambda _: {"state": "active"},
         acts_on_role=True),
    Deed("DELETE", ACCOUNT, "account", "organisation", uses_up=True, acts_on_role=True),
    Deed("GET", ACCOUNT + "/sessions", "account", "organisation"),
    Deed("DELETE", ACCOUNT + "/sessions", "account", "organisation", acts_on_role=True),
    Deed("DELETE", ACCOUNT + "/factors", "account", "organisation", acts_on_role=True),
    Deed("DELETE", "/admin/invitations/{id}", "invitation", "organisation", uses_up=True),
    Deed("GET", "/admin/organisations/{id}/members", "organisation", "organisation"),
    Deed("POST", "/admin/accounts", "organisation", "organisation", unknown=(400,),
         beyond=NOT_YOUR_ORGANISATION, body=lambda o: {
             "email": f"new{next(VERSIONS)}@matrix.example", "role": "user",
             "password": control.PASSWORD, "organisation": o.id}),
    Deed("POST", "/admin/invitations", "organisation", "organisation", unknown=(400,),
         beyond=NOT_YOUR_ORGANISATION, body=lambda o: {
             "email": f"new{next(VERSIONS)}@matrix.example", "role": "user", "organisation": o.id}),
    # Licences, of an account, a product and an organisation
    Deed("GET", LICENCE, "licence", "licence"),
    Deed("PATCH", LICENCE, "licence", "licence", body=lambda _: {"plan": "x"}),
    Deed("GET", DEVICE, "device", "licence"),
    Deed("PATCH", DEVICE, "device", "licence", body=lambda _: {"state": "active"}),
    Deed("DELETE", DEVICE, "device", "licence"),
    Deed("GET", "/admin/devices", "licence", "licence", path="/admin/devices?licence={thing}",
         unknown=(200, 404)),
    Deed("POST", "/admin/licences", "account", "organisation", body=lambda a: {
        "account": a.id, "product": "inside", "max_devices": 1}),
    Deed("POST", "/admin/licences", "product", "product", for_home=True, body=lambda p: {
        "account": "somebody@home.example", "product": p.id, "max_devices": 1}),
    Deed("POST", "/admin/licences", "organisation", "organisation", beyond=NOT_YOUR_ORGANISATION,
         unknown=(400,), for_home=True, body=lambda o: {"account": "somebody@home.example", "product": "inside",
                                        "max_devices": 1, "organisation": o.id}),
    Deed("GET", "/admin/licences", "account", "organisation",
         path="/admin/licences?product=inside&account={thing}"),
    Deed("GET", "/admin/licences", "product", "product", path="/admin/licences?product={thing}"),
    # Products and what is of them
    Deed("PATCH", PRODUCT, "product", "product", body=lambda _: {"title": "x"}),
    Deed("GET", PRODUCT + "/publisher-keys", "product", "product"),
    Deed("DELETE", PRODUCT + "/publisher-keys/{id}", "product", "product", let_in="publisher_key_not_found",
         path="/admin/products/{thing}/publisher-keys/pubk_none"),
    Deed("POST", "/admin/releases", "product", "product", body=lambda p: {
        "product": p.id, "version": f"9.0.{next(VERSIONS)}", "channels": ["dev"]}),
    Deed("GET", "/admin/releases", "product", "product", path="/admin/releases?product={thing}"),
    Deed("GET", RELEASE, "release", "product"),
    Deed("PATCH", RELEASE, "release", "product", body=lambda _: {"notes": "x"}),
    Deed("DELETE", RELEASE, "release", "product"),
    Deed("POST", RELEASE + "/publish", "release", "product"),
    Deed("POST", RELEASE + "/pause", "release", "product"),
    Deed("POST", RELEASE + "/resume", "release", "product"),
    Deed("POST", RELEASE + "/promote", "release", "product", body=lambda _: {"channel": "beta"}),
    Deed("POST", RELEASE + "/packages", "release", "product", let_in="upload_not_found",
         body=lambda _: {"upload_id": "upl_none", "platform": PLATFORM}),
    Deed("GET", "/admin/packages", "release", "product", path="/admin/packages?release={thing}",
         unknown=(200, 404)),
    Deed("GET", PACKAGE, "package", "product"),
    Deed("DELETE", PACKAGE, "package", "product"),
    Deed("POST", PACKAGE + "/block", "package", "product", body=reason),
    Deed("DELETE", PACKAGE + "/block", "package", "product"),
    Deed("POST", RELEASE + "/withdraw", "draft", "product", body=reason),
    # From now on packages must be signed.
    Deed("POST", PRODUCT + "/publisher-keys", "product", "product", unknown=(400, 404), body=lambda _: {
        "public_key": "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"}),
    # What is somebody's own
    Deed("DELETE", "/me/sessions/{id}", "session", "owner", uses_up=True),
    Deed("POST", "/me/keys/{id}/rotate", "key", "owner", body=lambda _: {}),
    Deed("DELETE", "/me/keys/{id}", "key", "owner", uses_up=True),
    Deed("POST", "/admin/keys/{id}/rotate", "key", "owner", body=lambda _: {},
         beyond=(403, "not_your_key")),
    Deed("DELETE", "/me/totp/{id}", "totp", "owner", uses_up=True, session=True),
    Deed("DELETE", "/me/passkeys/{id}", "passkey", "owner", uses_up=True, session=True),
    Deed("DELETE", "/me/identities/{id}", "identity", "owner", uses_up=True, session=True),
    Deed("GET", UPLOAD, "upload", "owner"),
    Deed("HEAD", UPLOAD, "upload", "owner", headers=(("Tus-Resumable", "1.0.0"),)),
    Deed("PATCH", UPLOAD, "upload", "owner", body=lambda _: b"", headers=(
        ("Tus-Resumable", "1.0.0"), ("Upload-Offset", "0"),
        ("Content-Type", "application/offset+octet-stream"))),
    Deed("DELETE", UPLOAD, "upload", "owner", uses_up=True, headers=(("Tus-Resumable", "1.0.0"),)),
    Deed("POST", "/downloads/{id}/renew", "download", "owner"),
    Deed("PUT", "/downloads/complete", "download", "owner", uses_up=True, body=lambda d: {
        "download_id": d.id, "status": "success", "bytes": 1, "duration_ms": 1}),
    # Revoking: one's own, or with the permission for all
    Deed("DELETE", "/tokens/revoke", "download", "revoker", body=lambda d: {"download_id": d.id}),
    Deed("DELETE", "/tokens/revoke", "device", "revoker", body=lambda d: {"device_id": d.id}),
    Deed("DELETE", "/tokens/revoke", "account", "revoker", body=lambda a: {"account_id": a.owner or a.id}),
]

# Nobody's in particular: who holds the permission may deal with all of them.
OF_NOBODY = {
    "/admin/identity-providers/{id}", "/admin/identity-providers/{id}/test", "/admin/roles/{name}",
    "/admin/organisations/{id}", "/admin/signing-keys/{kid}", "/admin/audit/{entry}",
    "/admin/workload-identities/{id}", "/admin/downloads/{id}", "/admin/keys/{id}", "/admin/products/{product}",
    # Open to everybody, or about an identity provider and not about an account.
    "/releases/{id}/notes", "/auth/oidc/{provider}/start", "/auth/oidc/{provider}/callback",
    "/auth/oidc/{provider}/backchannel-logout", "/me/identities/{provider}/start",
    # Makes a thing of one's own.
    "/admin/uploads/{filename}"}


# The oracle ---------------------------------------------------------------------------------------

def may_revoke(caller, thing):
    unnarrowed = caller.products is None and not caller.own_organisation
    if caller.holds("token.revoke") and unnarrowed:
        return True
    return thing.owner == caller.account and caller.holds("self.write")


def allowed(deed, caller, thing):
    """What a caller who passed decision() gets: PASS, or the statuses (and code) of the refusal."""
    path = "/api/v1" + deed.template
    needed = UNLESS_ANONYMOUS.get(path)
    if needed and caller.kind != "anonymous" and not caller.holds(needed):
        return 403, "permission_missing"
    if deed.by == "revoker":
        return PASS if not thing.missing and may_revoke(caller, thing) else (404,)
    if deed.session and caller.kind == "key":
        return 403, "session_required"
    if deed.template.endswith("/rotate") and caller.kind == "key" and thing.owner == caller.account:
        return 403, "not_your_key"  # a key renews itself and no other
    if deed.by == "owner":
        return deed.unknown if thing.missing else PASS if thing.owner == caller.account else deed.beyond
    if deed.for_home and caller.own_organisation and not caller.organisation:
        return (404,)
    if deed.by in ("organisation", "licence") and caller.own_organisation and (
            thing.missing or not caller.organisation or thing.organisation != caller.organisation):
        return deed.beyond
    if thing.missing:
        return deed.unknown
    if deed.by in ("product", "licence") and caller.products is not None and \
            thing.product not in caller.products:
        return 403, "beyond_scope"
    if deed.acts_on_role and thing.reaches_all and not caller.role_reaches_all:
        return 403, "role_beyond_yours"
    return PASS


# The world ----------------------------------------------------------------------------------------

@dataclasses.dataclass
class Expression:
    text: str


class World:
    def __init__(self, plane):
        self.plane, self.admin = plane, plane.admin
        self.make = callers.Callers(plane, plane.admin)
        self.api, self.asker = self.make.api, self.make.asker
        self.orgs = {name: self.api("POST", "/admin/organisations", {"name": name}, self.admin,
                                    201)["id"] for name in ("Home", "Away")}
        for name in ("inside", "outside"):
            self.api("POST", "/admin/products", {"name": name}, self.admin, 201)
        self.api("POST", "/admin/accounts", {
            "email": "somebody@home.example", "role": "user", "password": control.PASSWORD,
            "organisation": "Home"}, self.admin, 201)
        provider = self.api("POST", "/admin/identity-providers", {
            "preset": "github", "name": "hub", "client_id": "x", "client_secret": "y"}, self.admin, 201)
        self.provider = provider["id"]
        self.callers = list(self.everybody())
        self.known = {}

    def everybody(self):
        make, home = self.make, self.orgs["Home"]
        everything = make.everything

        def one(name, permissions=everything, organisation=None, narrowed=None, **facts):
            role = facts.pop("role", None) or make.role(permissions, **(narrowed or {}))
            account, email = make.account(role, organisation)
            return make.session(name, email, permissions, account=account, organisation=organisation,
                                **facts)
        yield Caller("anonymous", "anonymous")
        admin = one("administrator", role="admin", role_reaches_all=True)
        yield admin
        yield one("user in Home", EVERYBODY, home, role="user")
        own = {"own_organisation": True}
        administrator = one("administrator of Home", organisation=home, narrowed=own,
                            own_organisation=True)
        yield administrator
        yield one("administrator of no organisation", narrowed=own, own_organisation=True)
        yield one("staff for inside", narrowed={"products": ["inside"]}, products=frozenset({"inside"}))
        yield one("administrator of Home for inside", organisation=home, own_organisation=True,
                  narrowed={**own, "products": ["inside"]}, products=frozenset({"inside"}))
        yield one("accounts only", {"account.read", "account.write", "self.read", "self.write"})
        token = administrator.headers["Authorization"].split()[1]
        key = make.key("of the administrator of Home", everything, token)
        yield dataclasses.replace(administrator, name=key.name, kind="key", headers=key.headers)
        # Of others, whose changes of factors would end their sessions.
        other = one("", role="admin", role_reaches_all=True)
        key = make.key("for nothing of one's own", everything - EVERYBODY,
                       other.headers["Authorization"].split()[1])
        yield dataclasses.replace(other, name=key.name, kind="key", headers=key.headers,
                                  permissions=key.permissions)
        yield make.program("program without self.write", other, everything - {"self.write"})

    # Things: `whose` in words, made once and again where they are used up ----------------------------

    def owners(self):
        """Whose accounts there are, and in which organisation."""
        return {"of Home": "Home", "of Away": "Away", "of no organisation": None}

    def account_of(self, whose):
        """An account that has what the matrix is about, so that it is not one of the callers."""
        if whose not in self.known:
            organisation = self.orgs.get(self.owners()[whose])
            account, email = self.make.account("user", organisation)
            self.known[whose] = account, email, organisation
        return self.known[whose]

    def things(self, kind, caller):
        yield from getattr(self, f"{kind}s")(caller)
        prefix = {"account": "acc", "licence": "lic", "device": "dev", "release": "rel", "draft": "rel",
                  "package": "pkg", "organisation": "org", "product": "prod", "invitation": "inv",
                  "session": "ses", "key": "key", "identity": "idn", "upload": "upl",
                  "download": "dl"}.get(kind, "fac")
        yield Thing("missing", f"{prefix}_{'0' * 26}", missing=True)

    def once(self, name, make):
        if name not in self.known:
            self.known[name] = make()
        return self.known[name]

    def used_up(self, thing):
        self.known = {name: known for name, known in self.known.items() if known is not thing}

    def account(self, role, organisation, whose):
        place = self.orgs.get(organisation)
        account, email = self.make.account(role, place)
        return Thing(whose, email if "address" in whose else account, place, owner=account,
                     reaches_all=role == "admin")

    def accounts(self, _):
        for whose, organisation in self.owners().items():
            for how in (whose, f"{whose}, by address"):
                yield self.once(("account", how), lambda: self.account("user", organisation, how))
        whose = "an administrator in Home"
        yield self.once(("account", whose), lambda: self.account("admin", "Home", whose))

    def organisations(self, _):
        for name in ("Home", "Away"):
            yield Thing(name, self.orgs[name], self.orgs[name])
            yield Thing(f"{name}, by name", name, self.orgs[name])
        yield Thing("missing, by name", "Nowhere", missing=True)

    def invitation(self, whose, organisation):
        body = {"email": f"invited{next(VERSIONS)}@matrix.example", "role": "user"}
        made = self.api("POST", "/admin/invitations", {
            **body, **({"organisation": organisation} if organisation else {})}, self.admin, 201)
        return Thing(whose, made["id"], self.orgs.get(organisation))

    def invitations(self, _):
        for whose, organisation in self.owners().items():
            yield self.once(("invitation", whose), lambda: self.invitation(whose, organisation))

    def licence(self, whose, product):
        account, _, organisation = self.account_of(whose)
        made = self.api("POST", "/admin/licences", {"account": account, "product": product,
                                                    "max_devices": 5}, self.admin, 201)
        return made, Thing(f"{whose}, {product}", made["id"], organisation, product, account)

    def licences(self, _):
        for whose, product in itertools.product(self.owners(), ("inside", "outside")):
            yield self.once(("licence", whose, product), lambda: self.licence(whose, product))[1]

    def device(self, whose, product):
        licence, thing = self.licence(whose, product)
        made = self.api("POST", "/licences/activate", {
            "licence_key": licence["licence_key"], "device": {
                **DEVICE_FACTS, "fingerprint": "f" * 20}}, status=200)
        return dataclasses.replace(thing, id=made["device_id"])

    def devices(self, _):
        for whose, product in itertools.product(self.owners(), ("inside", "outside")):
            yield self.once(("device", whose, product), lambda: self.device(whose, product))

    def products(self, _):
        for name in ("inside", "outside"):
            yield Thing(name, name, product=name)

    def release(self, product, publish=True):
        """(release, package) of it, with bytes of its own."""
        number = next(VERSIONS)
        release = self.api("POST", "/admin/releases", {
            "product": product, "version": f"1.0.{number}", "channels": ["stable"]}, self.admin, 201)
        upload = self.api("PUT", f"/admin/uploads/{number}.run", b"#!/bin/sh\n# %d" % number, self.admin,
                          headers={"Content-Type": "application/octet-stream"}, status=201)
        package = self.api("POST", f"/admin/releases/{release['id']}/packages", {
            "upload_id": upload["id"], "platform": PLATFORM, "format": "run", "class": "public"},
            self.admin, 201)
        if publish:
            self.api("POST", f"/admin/releases/{release['id']}/publish", None, self.admin, 200)
        return release["id"], package["id"]

    def releases(self, _):
        for product in ("inside", "outside"):
            made = self.once(("release", product), lambda: self.release(product))
            yield Thing(product, made[0], product=product)

    def packages(self, _):
        for product in ("inside", "outside"):
            made = self.once(("release", product), lambda: self.release(product))
            yield Thing(product, made[1], product=product)

    def drafts(self, _):
        for product in ("inside", "outside"):
            made = self.once(("draft", product), lambda: self.release(product, False))
            yield Thing(product, made[0], product=product)

    def each_owner(self, kind, caller, make):
        """One of the caller, and one of somebody else in each place."""
        def made(whose, account, own=None):
            return self.once((kind, account), lambda: Thing(whose, make(account, own), owner=account))
        if caller.account:
            yield made("one's own", caller.account, caller)
        for whose in self.owners():
            yield made(whose, self.account_of(whose)[0])

    def row(self, table, prefix, **columns):
        """A row behind the server's back: what its owner would have made some time ago."""
        made = f"{prefix}_{next(VERSIONS):026}"
        values = ", ".join(v.text if isinstance(v, Expression) else repr(v) for v in columns.values())
        self.plane.sql(f"INSERT INTO {table} (id, {', '.join(columns)}) VALUES ('{made}', {values})")
        return made

    def blob(self, n):
        return Expression(control.blob(self.plane, n))

    def sessions(self, caller):
        yield from self.each_owner("session", caller, lambda account, _: self.row(
            "sessions", "ses", account_id=account, client_id="slipway", ip_prefix="", generation=1,
            token_hash=self.blob(next(VERSIONS)), created_at=self.now, last_used_at=self.now,
            rotated_at=self.now, expires_at=self.now * 2, transport="token", methods="pwd",
            authenticated_at=self.now, user_agent="", scope="", end_reason=""))

    def keys(self, caller):
        yield from self.each_owner("key", caller, lambda account, _: self.row(
            "api_keys", "key", account_id=account, public_id=f"{next(VERSIONS):08}", name="n",
            secret_hash=self.blob(next(VERSIONS)), permissions="self.read", addresses="",
            created_at=self.now, expires_at=self.now * 2))

    def factor(self, kind):
        return lambda account, _: self.row(
            "factors", "fac", account_id=account, kind=kind, name="n", state="pending",
            secret=self.blob(1), credential_id=self.blob(next(VERSIONS)), counter=0, created_at=self.now)

    def totps(self, caller):
        yield from self.each_owner("totp", caller, self.factor("totp"))

    def passkeys(self, caller):
        yield from self.each_owner("passkey", caller, self.factor("passkey"))

    def identitys(self, caller):
        yield from self.each_owner("identity", caller, lambda account, _: self.row(
            "identities", "idn", provider_id=self.provider, subject=f"s{next(VERSIONS)}",
            account_id=account, email="e", managed=0, created_at=self.now))

    def uploads(self, caller):
        """Of the caller by asking; of others as if they had."""
        def make(account, own):
            headers = {**TUS, "Upload-Length": "10",
                       "Upload-Metadata": "filename " + base64.b64encode(b"a.run").decode()}
            made = self.asker.send("POST", "/api/v1/admin/uploads", None,
                                   {**headers, **(own.headers if own else bearer(self.admin))})
            if made.status != 201:
                return "upl_" + "1" * 26
            name = made.headers["Location"].rsplit("/", 1)[1]
            if not own:
                self.plane.sql(f"UPDATE uploads SET account_id = '{account}' WHERE id = '{name}'")
            return name
        yield from self.each_owner("upload", caller, make)

    def downloads(self, caller):
        _, package = self.once(("release", "inside"), lambda: self.release("inside"))

        def make(account, own):
            made = self.api("POST", "/downloads/token", {"package_id": package}, self.admin, 200)
            self.plane.sql(f"UPDATE downloads SET account_id = '{account}' "
                           f"WHERE id = '{made['download_id']}'")
            return made["download_id"]
        yield from self.each_owner("download", caller, make)


@pytest.fixture(scope="module")
def world(database):
    plane = control.Control(database, ["login.attempts=1000", "session.limit=900"])
    try:
        plane.start()
        plane.admin = plane.administrator()
        made = World(plane)
        made.routes = {(r.method, r.path): r for r in callers.routes_of(
            plane.api("GET", "/openapi.json", status=200))}
        made.now = int(control.claims_of(plane.admin)["iat"]) * 1_000_000
        yield made
    finally:
        plane.close()


def send(world, deed, caller, thing):
    """The answer, as a status, a code and what it says but for the name of the thing."""
    path = "/api/v1" + re.sub(r"\{(\w+)\}", thing.id, deed.path or deed.template)
    body = deed.body(thing) if deed.body else None
    answer = world.asker.send(deed.method, path, body, {**caller.headers, **dict(deed.headers)})
    problem = answer.json if answer.status >= 400 and answer.body else {}
    return answer.status, problem.get("code"), problem.get("detail", "").replace(thing.id, "X")


def expected_of(world, deed, caller, thing):
    refused = decision(world.routes[deed.method, "/api/v1" + deed.template], caller)
    return allowed(deed, caller, thing) if refused == PASS else refused


def fits(deed, expected, got):
    if expected == PASS:
        return got[0] in DONE or got[1] == deed.let_in is not None
    statuses = [e for e in expected if isinstance(e, int)]
    codes = [e for e in expected if isinstance(e, str)]
    return got[0] in statuses and (not codes or got[1] in (*codes, None))


def test_whose_things_one_may_deal_with(world):
    wrong, cells, outcomes = [], 0, set()
    for deed, caller in itertools.product(DEEDS, world.callers):
        said = collections.defaultdict(set)
        for thing in world.things(deed.kind, caller):
            got, expected = send(world, deed, caller, thing), expected_of(world, deed, caller, thing)
            cells += 1
            outcomes.add(str(expected))
            said[expected].add(got)
            if deed.uses_up and got[0] < 300:
                world.used_up(thing)
            if not fits(deed, expected, got):
                wrong.append((f"{deed.method} {deed.template}", caller.name, thing.whose, expected, got))
        for expected, answers in said.items():
            if expected in ((404,), NOT_YOUR_ORGANISATION) and len(answers) > 1:
                wrong.append((f"{deed.method} {deed.template}", caller.name, "told apart", expected,
                              answers))
    assert not wrong, callers.report(wrong)
    assert cells > 2500 and len(outcomes) > 8


def test_every_route_about_an_object_is_in_the_matrix(world):
    tried = {d.template for d in DEEDS}
    missing = [str(r) for r in world.routes.values() if "{" in r.path and r.path.startswith("/api/v1")
               and r.path[len("/api/v1"):] not in tried | OF_NOBODY]
    assert not missing
