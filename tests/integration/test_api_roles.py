"""Roles an installation makes for itself, narrowed to products and to an organisation."""
import pytest

import control
import factors


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["login.attempts=1000"]) as running:
        running.count = 0
        for name in ("vpn", "agent"):
            running.api("POST", "/admin/products", {"name": name}, running.admin, 201)
        for name in ("Acme", "Umbrella"):
            organisation = running.api("POST", "/admin/organisations", {"name": name}, running.admin, 201)
            setattr(running, name.lower(), organisation["id"])
        yield running


def role(plane, permissions, name=None, **more):
    plane.count += 1
    name = name or f"role-{plane.count}"
    return plane.api("POST", "/admin/roles", {"name": name, "permissions": permissions, **more},
                     plane.admin, 201)


def holder(plane, name, **more):
    """A token of a new account of this role."""
    plane.count += 1
    email = f"holder{plane.count}@example.com"
    plane.account(plane.admin, email, name, **more)
    return plane.login(email)["access_token"]


# Roles ----------------------------------------------------------------------------------------------

def test_a_role_is_made_of_permissions(plane):
    made = role(plane, ["audit.read", "stats.read"], "auditor", title="Auditor")
    assert made["permissions"] == ["audit.read", "stats.read", "self.read", "self.write"]
    assert not made["built_in"]
    token = holder(plane, "auditor")
    assert plane.api("GET", "/admin/audit", token=token, status=200)
    plane.refused("GET", "/admin/accounts", token=token, status=403, code="permission_missing")
    # Everybody may see to their own sessions, password and factors.
    assert plane.api("GET", "/me/sessions", token=token, status=200)
    listed = plane.api("GET", "/admin/roles", token=plane.admin, status=200)["items"]
    assert [r["name"] for r in listed[:3]] == ["admin", "user", "guest"]
    assert {r["name"]: r["holders"] for r in listed}["auditor"] == 1 and listed[0]["holders"] is None
    assert plane.api("GET", "/admin/roles/auditor", token=plane.admin, status=200) in listed


def test_every_permission_is_explained(plane):
    """To everybody who is signed in: they make API keys of them."""
    plane.refused("GET", "/permissions", status=401, code="authentication_required")
    listed = plane.api("GET", "/permissions", token=holder(plane, "guest"), status=200)["items"]
    assert [p["name"] for p in listed] == plane.api("GET", "/admin/roles/admin", token=plane.admin)["permissions"]
    assert all(len(p["meaning"]) > 10 for p in listed)
    assert {p["name"] for p in listed if p["personal"]} == {"product.read", "self.read", "self.write",
                                                            "download.request"}
    # What routes ask for is on the list, so nothing is permitted that nobody could explain.
    paths = plane.api("GET", "/openapi.json")["paths"].values()
    asked = {operation["x-permission"] for path in paths for operation in path.values()}
    assert asked - {"anyone", "signed_in", "internal"} <= {p["name"] for p in listed}


@pytest.mark.parametrize("body,status,code", [
    ({"name": "admin", "permissions": []}, 409, "role_exists"),
    ({"name": "Ops", "permissions": []}, 400, "invalid_member"),
    ({"name": "-ops", "permissions": []}, 400, "invalid_member"),
    ({"name": "x" * 41, "permissions": []}, 400, "invalid_member"),
    ({"name": "ops", "permissions": ["everything"]}, 400, "unknown_permission"),
    ({"name": "ops", "permissions": ["audit.read organisation:own"]}, 400, "invalid_member"),
    ({"name": "ops", "permissions": ["product:vpn"]}, 400, "unknown_permission"),
    ({"name": "ops", "permissions": ["organisation:own"]}, 400, "unknown_permission"),
    ({"name": "ops", "permissions": [], "products": ["nothing"]}, 400, "unknown_product"),
    ({"name": "ops"}, 400, "missing_member")], ids=str)
def test_roles_that_are_not_made(plane, body, status, code):
    plane.refused("POST", "/admin/roles", body, plane.admin, status=status, code=code)


def test_built_in_roles_stay(plane):
    plane.refused("PATCH", "/admin/roles/user", {"permissions": ["audit.read"]}, plane.admin,
                  status=409, code="role_built_in")
    plane.refused("DELETE", "/admin/roles/guest", token=plane.admin, status=409, code="role_built_in")


def test_nobody_makes_a_role_beyond_their_own(plane):
    role(plane, ["role.write", "account.read", "account.write", "self.write", "self.read"], "half-admin")
    token = holder(plane, "half-admin")
    body = {"name": "more", "permissions": ["role.write", "audit.read"]}
    detail = plane.refused("POST", "/admin/roles", body, token, status=403, code="role_beyond_yours")
    assert "audit.read" in detail
    plane.refused("PATCH", "/admin/roles/half-admin", {"permissions": ["audit.read"]}, token, status=403,
                  code="role_beyond_yours")
    plane.refused("POST", "/admin/accounts", {"email": "evil@example.com", "role": "admin",
                                              "password": control.PASSWORD}, token, status=403,
                  code="role_beyond_yours")
    plane.refused("PATCH", f"/admin/accounts/{control.ADMIN_EMAIL}", {"state": "disabled"}, token,
                  status=403, code="role_beyond_yours")


def test_a_changed_role_is_in_force_at_once(plane):
    role(plane, ["audit.read"], "changing")
    token = holder(plane, "changing")
    assert plane.api("GET", "/admin/audit", token=token, status=200)
    plane.api("PATCH", "/admin/roles/changing", {"permissions": ["stats.read"]}, plane.admin, 200)
    plane.refused("GET", "/admin/audit", token=token, status=401, code="credentials_stale")


# Roles that outgrow a password -----------------------------------------------------------------------

def person(plane, name="user"):
    plane.count += 1
    return plane.account(plane.admin, f"person{plane.count}@example.com", name)["email"]


def give(plane, email, name, **more):
    plane.api("PATCH", f"/admin/accounts/{email}", {"role": name, **more}, plane.admin, 200)


def must_enrol(plane, session, asked="/admin/audit"):
    """Whether this session, once refreshed, may do nothing but enrol a factor."""
    tokens = plane.api("POST", "/auth/refresh", {"refresh_token": session["refresh_token"]}, status=200)
    assert plane.api("GET", "/me/factors", token=tokens["access_token"], status=200)
    answer = plane.request("GET", "/api/v1" + asked, token=tokens["access_token"])
    assert answer.status in (200, 403), answer
    session.update(tokens)
    return answer.status == 403


def test_who_is_given_more_than_personal_things_must_enrol(plane):
    """Whichever way they get there: an invitation to the role would have asked for it, too."""
    role(plane, ["audit.read"], "given")
    email = person(plane)
    session = plane.login(email)
    give(plane, email, "given")
    assert must_enrol(plane, session)
    again = plane.login(email)
    assert again["mfa_enrolment_required"] is True
    full = factors.enrol(plane, again)
    assert plane.api("GET", "/admin/audit", token=full["access_token"], status=200)
    # Going back and forth does not shake it off.
    give(plane, email, "user")
    give(plane, email, "given")
    plane.api("DELETE", f"/admin/accounts/{email}/factors", token=plane.admin, status=204)
    assert plane.login(email)["mfa_enrolment_required"] is True


def test_a_role_that_grows_beyond_personal_things_asks_its_holders(plane):
    role(plane, ["product.read"], "growing", own_organisation=True)
    email, unlike = person(plane, "growing"), person(plane)
    session = plane.login(email)
    plane.api("PATCH", "/admin/roles/growing", {"permissions": ["download.request"]}, plane.admin, 200)
    assert "mfa_enrolment_required" not in plane.login(email)
    plane.api("PATCH", "/admin/roles/growing", {"permissions": ["audit.read"], "own_organisation": False},
              plane.admin, 200)
    assert must_enrol(plane, session)
    assert plane.login(email)["mfa_enrolment_required"] is True
    assert "mfa_enrolment_required" not in plane.login(unlike)


def test_who_was_made_with_a_role_goes_on_with_a_password(plane):
    """It is for who makes the account to say; only outgrowing what it was made for asks for more."""
    role(plane, ["audit.read"], "made-with")
    role(plane, ["audit.read", "stats.read"], "made-for")
    email = person(plane, "made-with")
    session = plane.login(email)
    give(plane, email, "made-for")
    assert not must_enrol(plane, session)
    plane.api("PATCH", "/admin/roles/made-for", {"permissions": ["audit.read"]}, plane.admin, 200)
    assert not must_enrol(plane, session)
    personal = person(plane)
    give(plane, personal, "guest")
    assert "mfa_enrolment_required" not in plane.login(personal)


@pytest.mark.parametrize("grow", ["account", "role", "account with its first password"])
def test_who_has_no_password_proves_it_to_the_identity_provider(plane, grow):
    name = f"provided-{grow.split()[-1]}-{plane.count}"
    role(plane, ["audit.read"] if grow != "role" else [], name)
    email = person(plane, "user" if grow != "role" else name)
    session = plane.login(email)
    plane.sql(f"UPDATE accounts SET password_hash = '' WHERE email = '{email}'")
    if grow == "role":
        plane.api("PATCH", f"/admin/roles/{name}", {"permissions": ["audit.read"]}, plane.admin, 200)
    elif grow == "account":
        give(plane, email, name)
    else:
        give(plane, email, name, password=control.PASSWORD)
        assert plane.login(email)["mfa_enrolment_required"] is True
        return
    assert not must_enrol(plane, session)


def test_a_role_in_use_stays(plane):
    role(plane, ["audit.read"], "used")
    holder(plane, "used")
    plane.refused("DELETE", "/admin/roles/used", token=plane.admin, status=409, code="role_in_use")
    role(plane, [], "unused")
    plane.api("DELETE", "/admin/roles/unused", token=plane.admin, status=204)
    plane.refused("GET", "/admin/roles/unused", token=plane.admin, status=404, code="role_not_found")


def test_sessions_of_a_role_are_limited(plane):
    role(plane, ["self.read"], "one-place", max_sessions=1)
    plane.account(plane.admin, "one@example.com", "one-place")
    first, second = plane.login("one@example.com"), plane.login("one@example.com")
    plane.refused("GET", "/me", token=first["access_token"], status=401, code="token_revoked")
    assert plane.api("GET", "/me", token=second["access_token"], status=200)


# Narrowed to products -------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def publisher(plane):
    role(plane, ["release.write", "release.read.draft", "release.publish.stable", "upload.write",
                 "product.read", "product.write", "licence.read", "licence.write", "device.read",
                 "account.read", "audit.read"], "vpn-publisher", products=["vpn"])
    return holder(plane, "vpn-publisher")


def test_a_publisher_of_one_product(plane, publisher):
    body = {"product": "vpn", "version": "2.0.0", "channels": ["stable"]}
    assert plane.api("POST", "/admin/releases", body, publisher, 201)
    plane.refused("POST", "/admin/releases", {**body, "product": "agent"}, publisher, status=403,
                  code="beyond_scope")
    assert plane.api("GET", "/admin/releases?product=vpn", token=publisher, status=200)["items"]
    for path in ("/admin/releases?product=agent", "/admin/releases", "/admin/packages",
                 "/admin/licences", "/admin/licences?product=agent", "/admin/devices"):
        plane.refused("GET", path, token=publisher, status=403, code="beyond_scope")
    assert plane.api("GET", "/admin/licences?product=vpn", token=publisher, status=200)
    plane.refused("POST", "/admin/products", {"name": "third"}, publisher, status=403,
                  code="beyond_scope")


def test_bytes_that_others_published_too_are_theirs(plane, publisher):
    """Blocking takes them from everybody: a copy in one's own draft, or in dev, is no way to do that."""
    def package(product, channel, version, publish):
        upload = plane.api("PUT", "/admin/uploads/shared.run", b"#!/bin/sh\n# shared", plane.admin, 201)
        release = plane.api("POST", "/admin/releases", {"product": product, "version": version,
                                                        "channels": [channel]}, plane.admin, 201)
        made = plane.api("POST", f"/admin/releases/{release['id']}/packages", {
            "upload_id": upload["id"], "platform": "linux-amd64", "format": "run", "class": "public"},
            plane.admin, 201)
        if publish:
            plane.api("POST", f"/admin/releases/{release['id']}/publish", None, plane.admin, 200)
        return f"/admin/packages/{made['id']}/block"
    package("agent", "beta", "7.0.0", True)
    copy = package("vpn", "stable", "7.0.0", False)
    plane.refused("POST", copy, {"reason": "x"}, publisher, status=403, code="beyond_scope")
    role(plane, ["release.write", "release.publish.stable"], "not-of-beta")
    plane.refused("POST", copy, {"reason": "x"}, holder(plane, "not-of-beta"), status=403,
                  code="permission_missing")
    assert plane.api("POST", copy, {"reason": "x"}, plane.admin, 200)["blocked"]
    plane.refused("DELETE", copy, token=publisher, status=403, code="beyond_scope")


def test_routes_that_keep_to_no_product_are_closed(plane, publisher):
    """Deny by default: a permission that is about no product is of no use to them."""
    for path in ("/admin/accounts", "/admin/audit"):
        plane.refused("GET", path, token=publisher, status=403, code="beyond_scope")


def test_keys_are_as_narrow_as_their_owner(plane):
    role(plane, ["release.write", "key.write", "upload.write", "self.write"], "maker", products=["vpn"])
    plane.count += 1
    email = f"maker{plane.count}@example.com"
    plane.account(plane.admin, email, "maker")
    key = plane.api("POST", "/admin/keys", {"name": "ci", "permissions": ["release.write"]}, plane.admin,
                    201)
    # The administrator's key, owned by a publisher from now on.
    account = plane.api("GET", f"/admin/accounts/{email}", token=plane.admin)["id"]
    plane.sql(f"UPDATE api_keys SET account_id = '{account}' WHERE id = '{key['id']}'")
    body = {"product": "agent", "version": "9.0.0", "channels": ["stable"]}
    plane.refused("POST", "/admin/releases", body, key["key"], status=403, code="beyond_scope")
    assert plane.api("POST", "/admin/releases", {**body, "product": "vpn"}, key["key"], 201)


# Narrowed to an organisation ------------------------------------------------------------------------

@pytest.fixture(scope="module")
def acme_admin(plane):
    role(plane, ["account.read", "account.write", "licence.read", "licence.write", "device.read",
                 "device.write", "audit.read", "self.read", "self.write", "product.read"], "org-admin",
         own_organisation=True)
    return holder(plane, "org-admin", organisation="Acme")


def member(plane, organisation):
    plane.count += 1
    more = {"organisation": organisation} if organisation else {}
    return plane.account(plane.admin, f"member{plane.count}@example.com", **more)


def test_an_administrator_of_one_organisation(plane, acme_admin):
    own = member(plane, "Acme")
    for organisation in ("Umbrella", None):
        member(plane, organisation)
    listed = plane.api("GET", "/admin/accounts?limit=200", token=acme_admin, status=200)["items"]
    assert own["id"] in [a["id"] for a in listed]
    assert {a["organisation"] for a in listed} == {plane.acme}
    assert plane.api("PATCH", f"/admin/accounts/{own['id']}", {"state": "disabled"}, acme_admin, 200)


def test_accounts_are_made_in_and_kept_to_the_organisation(plane, acme_admin):
    body = {"email": "new@acme.example", "role": "user", "password": control.PASSWORD}
    made = plane.api("POST", "/admin/accounts", body, acme_admin, 201)
    assert made["organisation"] == plane.acme
    plane.refused("POST", "/admin/accounts", {**body, "email": "x@acme.example",
                                              "organisation": "Umbrella"}, acme_admin, status=403,
                  code="beyond_your_organisation")
    plane.refused("PATCH", f"/admin/accounts/{made['id']}", {"organisation": "Umbrella"}, acme_admin,
                  status=403, code="beyond_your_organisation")
    # A role that reaches every organisation is not theirs to give, whatever else it may do.
    role(plane, ["account.read"], "reads-all")
    plane.refused("PATCH", f"/admin/accounts/{made['id']}", {"role": "reads-all"}, acme_admin,
                  status=403, code="role_beyond_yours")
    assert plane.api("PATCH", f"/admin/accounts/{made['id']}", {"role": "org-admin"}, acme_admin, 200)


def test_licences_of_the_organisation(plane, acme_admin):
    def licence(token, account, status=201, **more):
        return plane.api("POST", "/admin/licences", {"account": account["id"], "product": "vpn",
                                                     "max_devices": 1, **more}, token, status)
    own, other = member(plane, "Acme"), member(plane, "Umbrella")
    mine, theirs = licence(acme_admin, own), licence(plane.admin, other)
    assert licence(acme_admin, other, 404)["code"] == "account_not_found"
    assert licence(acme_admin, own, 403, organisation="Umbrella")["code"] == "beyond_your_organisation"
    listed = plane.api("GET", "/admin/licences?limit=200", token=acme_admin, status=200)["items"]
    ids = [item["id"] for item in listed]
    assert mine["id"] in ids and theirs["id"] not in ids


def test_routes_that_keep_to_no_organisation_are_closed(plane, acme_admin):
    plane.refused("GET", "/admin/audit", token=acme_admin, status=403, code="beyond_scope")


def test_without_an_organisation_there_is_nothing(plane, acme_admin):
    lost = holder(plane, "org-admin")
    plane.refused("GET", "/admin/accounts", token=lost, status=403, code="beyond_your_organisation")
    assert plane.api("GET", "/admin/licences", token=lost, status=200)["items"] == []
