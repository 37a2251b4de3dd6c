"""Every route × every kind of caller, generated from the server's OpenAPI document: each cell is asked
and compared with what callers.decision() says. A route that is added is in it by existing.

The requests are such that a caller who is let in fails after the decision and before anything is done:
a member no route has, a body where none is expected."""
import pytest

import callers
import ci
import control
from callers import EVERYBODY, PASS, Caller, bearer, concrete, decision

# What a route says to who was let in and sent nonsense.
LET_IN = {"unknown_member", "body_not_expected", "missing_member", "invalid_request", "content_type"}
# Take bodies of any kind, as they arrive, and say what is wrong in words of their own.
TAKES_ANYTHING = {("POST", "/api/v1/admin/uploads"), ("PATCH", "/api/v1/admin/uploads/{id}"),
                  ("PUT", "/api/v1/admin/uploads/{filename}")}
NO_FILENAME = "a%0Ab"
SELF = frozenset({"self.read", "self.write"})  # what every role has, named or not


@pytest.fixture(scope="module")
def plane(database):
    running = control.Control(database, ["login.attempts=1000", "session.limit=900",
                                         "auth.second_factor_roles=must-enrol",
                                         "net.allow_insecure_loopback=true"])
    running.provider = ci.Issuer()
    try:
        running.start()
        running.admin = running.administrator()
        running.routes = list(callers.routes_of(running.api("GET", "/openapi.json", status=200)))
        for name in ("inside", "outside"):
            running.api("POST", "/admin/products", {"name": name}, running.admin, 201)
        running.home = running.api("POST", "/admin/organisations", {"name": "Home"}, running.admin,
                                   201)["id"]
        running.callers = callers.Callers(running, running.admin)
        running.asker = running.callers.asker
        yield running
    finally:
        running.close()
        running.provider.close()


def devices(plane):
    """What a licence key gives: a device's tokens."""
    licence = plane.api("POST", "/admin/licences", {"account": control.ADMIN_EMAIL, "product": "inside",
                                                    "max_devices": 1}, plane.admin, 201)
    got = plane.api("POST", "/licences/activate", {
        "licence_key": licence["licence_key"],
        "device": {"name": "n", "os": "linux", "arch": "amd64", "fingerprint": "f" * 20}}, status=200)
    yield Caller("device token", "device", headers=bearer(got["device_token"]))
    yield Caller("device's session", "session", frozenset({"product.read", "download.request"}),
                 bearer(got["access_token"]), account=plane.callers.admin_id)


def jobs(plane):
    """What a CI job gets for its provider's token."""
    permissions = frozenset(ci.permissions_of_jobs(plane.callers.everything))
    for name, products in (("everything", None), ("inside", frozenset({"inside"}))):
        ci.trust(plane, plane.provider, plane.admin, name, f"slipway:{name}", permissions=sorted(permissions),
                 products=sorted(products or ()))
        got = ci.exchange(plane, plane.provider.token(f"slipway:{name}"))
        yield Caller(f"job for {name}", "job", permissions, bearer(got["access_token"]), products=products)


def everywhere(plane):
    """Callers that are tried on every route."""
    make = plane.callers
    yield Caller("anonymous", "anonymous")
    yield Caller("administrator", "session", make.everything, bearer(plane.admin))
    yield make.stale("administrator, not lately", control.ADMIN_EMAIL, make.everything)
    for role in ("user", "guest"):
        yield make.session(role, make.account(role)[1], EVERYBODY)
    yield from make.cookies(control.ADMIN_EMAIL, make.everything)
    yield from devices(plane)
    yield from jobs(plane)
    plane.api("POST", "/admin/roles", {"name": "must-enrol", "permissions": sorted(make.everything)},
              plane.admin, 201)
    yield make.session("must enrol first", make.account("must-enrol")[1], SELF)
    yield make.key("for everything", make.everything)
    yield make.session("role of nothing", make.account(make.role(()))[1], SELF)
    for permission in sorted(make.everything):
        yield make.key(f"for {permission}", {permission})


def by_permission(plane):
    """For each permission those who have it and little else, or all but it, by how they are narrowed."""
    make, home = plane.callers, plane.home
    wide = {"own_organisation": True}, {"products": ["inside"]}
    role = [make.role(make.everything, **how) for how in (wide[0], wide[1], {**wide[0], **wide[1]})]
    in_home = {"own_organisation": True, "organisation": home}
    parents = {
        "": make.session("", control.ADMIN_EMAIL, make.everything),
        ", not lately": make.session("", control.ADMIN_EMAIL, make.everything, fresh=False),
        " in Home": make.session("", make.account(role[0], home)[1], make.everything, **in_home),
        " for inside": make.session("", make.account(role[1])[1], make.everything,
                                    products=frozenset({"inside"})),
        " in Home for inside": make.session("", make.account(role[2], home)[1], make.everything,
                                            products=frozenset({"inside"}), **in_home)}

    def some_with(p):
        yield from (make.program(f"only {p}{how}", parent, {p}) for how, parent in parents.items())
        yield make.program(f"scoped to {p} for inside", parents[""], {p}, "inside")
        yield make.program(f"all but {p}", parents[""], make.everything - {p})
        yield make.session(f"role of {p}", make.account(make.role({p}))[1], {p} | SELF)
        yield make.key(f"for all but {p}", make.everything - {p})
        yield make.key(f"for {p} for inside", {p}, products=["inside"])
    needed = make.everything & {r.permission for r in plane.routes}
    return dict(plane.asker.all(lambda p: (p, list(some_with(p))), sorted(needed)))


def ask(plane, route, caller):
    """(status, code); PASS where the caller was let in."""
    headers = dict(caller.headers)
    path = concrete(route.path, filename=NO_FILENAME)
    answer = plane.asker.send(route.method, path, {"of no schema": "x"}, headers)
    code = callers.code_of(answer, route)
    let_in = answer.status in (400, 415) and (code in LET_IN or route.method == "HEAD")
    if (route.method, route.path) in TAKES_ANYTHING:
        let_in = answer.status in (400, 404, 412, 415)
    return PASS if let_in else (answer.status, code)


def expected_of(route, caller):
    expected = decision(route, caller)
    if expected == PASS:
        return PASS
    status, code = expected
    if route.form:
        code = callers.OAUTH_WORDS.get(code, code)
    return status, None if route.method == "HEAD" else code


def test_every_caller_on_every_route(plane):
    made = by_permission(plane)
    cells = [(route, caller) for caller in everywhere(plane) for route in plane.routes]
    cells += [(route, caller) for route in plane.routes for caller in made.get(route.permission, ())]
    got = plane.asker.all(lambda cell: ask(plane, *cell), cells, 2)
    wrong = [(route, caller.name, "", expected_of(route, caller), answer)
             for (route, caller), answer in zip(cells, got) if answer != expected_of(route, caller)]
    assert not wrong, callers.report(wrong)
    assert len(cells) >= 5000
    outcomes = {str(expected_of(*cell)) for cell in cells}
    assert len(outcomes) > 8, outcomes  # each kind of refusal was among them
