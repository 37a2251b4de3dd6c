"""API keys: what they open and for how long, from where, for which products, and their rotation."""
import json
import re
import time
import urllib.parse

import pytest

import control
import slipway
from control import ADMIN_EMAIL


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["login.attempts=1000"]) as running:
        for name in ("vpn", "desk"):
            running.api("POST", "/admin/products", {"name": name, "title": name}, running.admin, 201)
        yield running


def make(plane, token=None, where="/admin/keys", **more):
    return plane.api("POST", where, {"name": "ci", "permissions": ["product.read"], **more},
                     token or plane.admin, 201)


def ahead(**span):
    seconds = sum(n * {"days": 86400, "hours": 3600, "seconds": 1}[unit] for unit, n in span.items())
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def opens(plane, key, address="203.0.113.77"):
    return plane.request("GET", "/api/v1/me", token=key,
                         headers={"X-Slipway-Client-Address": address}).status == 200


def audit(plane, **filters):
    return plane.api("GET", "/admin/audit?limit=200&" + urllib.parse.urlencode(filters),
                     token=plane.admin, status=200)["items"]


# Form ---------------------------------------------------------------------------------------------

def reads(plane):
    """Transactions of the control plane so far."""
    text = plane.request("GET", "/metrics").body.decode()
    return sum(float(n) for n in re.findall(r'^slipway_db_transaction_seconds_count\{[^}]*\} (\S+)$',
                                            text, re.MULTILINE))


def test_a_wrong_checksum_never_reaches_the_database(plane):
    key = make(plane)["key"]
    mistyped = key[:-1] + ("a" if key[-1] != "a" else "b")
    # Another id and a checksum that fits: only the database can tell.
    unknown = "slk_live_AAAAAAAA_" + "B" * 33 + "2UNxJg"
    for text, transactions in ((mistyped, 0), (unknown, 100)):
        before = reads(plane)
        for _ in range(100):
            plane.refused("GET", "/me", token=text, status=401, code="api_key_invalid")
        assert transactions <= reads(plane) - before < transactions + 50


def test_the_documented_pattern_finds_keys(plane):
    text = (slipway.ROOT / "docs" / "oauth.md").read_text()
    pattern = re.search(r"^(slk_\S+)$", text, re.MULTILINE)[1]
    assert re.fullmatch(pattern, make(plane)["key"])
    assert not re.search(pattern, "slk_live_short_" + "x" * 39)


# What, where, how long ----------------------------------------------------------------------------

def test_input_is_checked(plane):
    for body, status, code in (
            ({"permissions": ["no.such"]}, 400, "unknown_permission"),
            ({"permissions": ["product.read audit.read"]}, 400, "invalid_member"),
            ({"permissions": ["product:vpn"]}, 400, "unknown_permission"),
            ({"products": ["nothing"]}, 400, "unknown_product"),
            ({"addresses": ["10.0.0.0/33"]}, 400, "invalid_member"),
            ({"addresses": ["10.0.0.0/8 ::/0"]}, 400, "invalid_member"),
            ({"addresses": ["example.com"]}, 400, "invalid_member"),
            ({"addresses": ["10.0.0.1"] * 65}, 400, "invalid_member"),
            ({"expires_at": ahead(days=366)}, 400, "invalid_member"),
            ({"account_id": "acc_1"}, 400, "unknown_member")):
        plane.refused("POST", "/admin/keys", {"name": "x", "permissions": ["product.read"], **body},
                      plane.admin, status=status, code=code)
    assert make(plane, expires_at=ahead(days=364))["expires_at"]


def test_networks(plane):
    key = make(plane, addresses=["198.51.100.0/24", "2001:db8:7::/48", "192.0.2.9"])
    assert key["addresses"] == ["198.51.100.0/24", "2001:db8:7::/48", "192.0.2.9"]
    for address, good in (("198.51.100.255", True), ("198.51.101.0", False), ("192.0.2.9", True),
                          ("192.0.2.10", False), ("2001:db8:7:ffff::1", True), ("2001:db8:8::1", False),
                          ("::ffff:198.51.100.1", True), ("nonsense", False)):
        assert opens(plane, key["key"], address) == good, address
    plane.refused("GET", "/me", token=key["key"], status=403, code="address_not_allowed")
    slipway.wait_until(lambda: audit(plane, object=key["id"], action="key.use"), "the entry")
    refusal = audit(plane, object=key["id"], action="key.use")[0]
    assert refusal["outcome"] == "refused" and refusal["detail"]["reason"] == "address"


def test_products(plane):
    key = make(plane, permissions=["product.read", "release.write", "release.read.draft"], products=["vpn"])
    assert key["products"] == ["vpn"] and "release.write" in key["permissions"]
    body = {"version": "1.0.0", "channels": ["stable"]}
    plane.api("POST", "/admin/releases", {"product": "vpn", **body}, key["key"], 201)
    plane.refused("POST", "/admin/releases", {"product": "desk", **body}, key["key"], status=403,
                  code="beyond_scope")
    plane.refused("GET", "/admin/releases", token=key["key"], status=403, code="beyond_scope")
    plane.api("GET", "/admin/releases?product=vpn", token=key["key"], status=200)


def test_a_key_makes_no_stronger_key(plane):
    ends = ahead(hours=1)
    weak = make(plane, permissions=["self.read", "self.write", "release.write"], products=["vpn"],
                addresses=["203.0.113.0/24"], expires_at=ends)
    plane.refused("POST", "/me/keys", {"name": "x", "permissions": ["account.read"]}, weak["key"],
                  status=403, code="permission_missing")
    plane.refused("POST", "/me/keys", {"name": "x", "permissions": ["release.write"], "products": ["desk"]},
                  weak["key"], status=403, code="beyond_scope")
    child = plane.api("POST", "/me/keys", {"name": "x", "permissions": ["release.write", "self.read"],
                                           "expires_at": ahead(days=300)}, weak["key"], 201)
    assert child["products"] == ["vpn"] and child["expires_at"] == weak["expires_at"]
    assert child["addresses"] == ["203.0.113.0/24"]
    assert opens(plane, child["key"]) and not opens(plane, child["key"], "192.0.2.1")
    # Nor does it take another key of its owner's.
    strong = make(plane, permissions=["account.write"])
    plane.refused("POST", f"/me/keys/{strong['id']}/rotate", {}, weak["key"], status=403, code="not_your_key")


def test_what_a_key_has_made_ends_with_it(plane):
    """Else whoever stole it would go on with what they made."""
    def child_of(parent):
        made = plane.api("POST", "/me/keys", {"name": "x", "permissions": ["self.read", "self.write"]},
                         parent["key"], 201)
        assert made["parent_id"] == parent["id"]
        return made

    first = make(plane, permissions=["self.read", "self.write"])
    assert first["parent_id"] is None
    second, other = child_of(first), child_of(first)
    third = child_of(second)
    plane.api("DELETE", f"/admin/keys/{second['id']}", token=plane.admin, status=204)
    assert [opens(plane, k["key"]) for k in (first, second, other, third)] == [True, False, True, False]
    plane.api("DELETE", f"/admin/keys/{first['id']}", token=plane.admin, status=204)
    assert not opens(plane, first["key"]) and not opens(plane, other["key"])
    last, before = audit(plane, action="key.revoke")[:2]
    assert (last["object"], last["detail"]) == (first["id"], {"made_by_it": 1})
    assert (before["object"], before["detail"]) == (second["id"], {"made_by_it": 1})
    plane.api("DELETE", f"/admin/keys/{first['id']}", token=plane.admin, status=204)
    assert audit(plane, action="key.revoke")[0]["id"] == last["id"], "nothing more was done"


def test_what_a_key_has_made_ends_with_its_secret(plane):
    """Whoever had the secret had them, too; the key itself goes on."""
    def child_of(key):
        return plane.api("POST", "/me/keys", {"name": "x", "permissions": ["self.read", "self.write"]},
                         key, 201)

    parent = make(plane, permissions=["self.read", "self.write"])
    child = child_of(parent["key"])
    grandchild, bystander = child_of(child["key"]), make(plane)
    by_itself = plane.api("POST", f"/me/keys/{parent['id']}/rotate",
                          {"previous_until": ahead(hours=1)}, parent["key"], 200)
    assert not opens(plane, child["key"]) and not opens(plane, grandchild["key"])
    assert all(opens(plane, k) for k in (parent["key"], by_itself["key"], bystander["key"]))
    assert audit(plane, action="key.rotate", object=parent["id"])[0]["detail"]["made_by_it"] == 2
    # Made by the old secret, while it still opened.
    late = child_of(parent["key"])
    again = plane.api("POST", f"/me/keys/{parent['id']}/rotate", {}, by_itself["key"], 200)
    assert [opens(plane, k) for k in (late["key"], by_itself["key"], again["key"])] == [False, False, True]
    # What was revoked before is not counted again.
    assert audit(plane, action="key.rotate", object=parent["id"])[0]["detail"]["made_by_it"] == 1


# One's own ----------------------------------------------------------------------------------------

def test_own_keys(plane):
    jane = plane.account(plane.admin, "jane@example.com")
    token = plane.login(jane["email"])["access_token"]
    theirs = make(plane)
    mine = make(plane, token, "/me/keys")
    assert mine["owner"] == "jane@example.com" and mine["account_id"] == jane["id"]
    plane.refused("POST", "/me/keys", {"name": "x", "permissions": ["audit.read"]}, token, status=403,
                  code="permission_missing")
    plane.refused("POST", "/admin/keys", {"name": "x", "permissions": ["product.read"]}, token, status=403,
                  code="permission_missing")
    listed = plane.api("GET", "/me/keys", token=token, status=200)["items"]
    assert [k["id"] for k in listed] == [mine["id"]] and mine["key"] not in json.dumps(listed)
    plane.refused("DELETE", f"/me/keys/{theirs['id']}", token=token, status=404, code="key_not_found")
    plane.refused("POST", f"/me/keys/{theirs['id']}/rotate", {}, token, status=404, code="key_not_found")
    # Administrators see whose it is and can end it, but not hold it.
    everybody = plane.api("GET", "/admin/keys?limit=200", token=plane.admin, status=200)["items"]
    assert {k["owner"] for k in everybody} >= {ADMIN_EMAIL, "jane@example.com"}
    plane.refused("POST", f"/admin/keys/{mine['id']}/rotate", {}, plane.admin, status=403,
                  code="not_your_key")
    plane.api("DELETE", f"/admin/keys/{mine['id']}", token=plane.admin, status=204)
    assert not opens(plane, mine["key"])
    again = make(plane, token, "/me/keys")
    plane.api("PATCH", f"/admin/accounts/{jane['id']}", {"state": "disabled"}, plane.admin, 200)
    plane.refused("GET", "/me", token=again["key"], status=401, code="api_key_invalid")


def test_making_a_key_needs_a_fresh_proof(plane):
    session = plane.login(ADMIN_EMAIL)
    plane.sql("UPDATE sessions SET authenticated_at = 0 WHERE id = '%s'" % session["session_id"])
    for path in ("/me/keys", "/admin/keys", "/me/keys/key_x/rotate", "/admin/keys/key_x/rotate"):
        plane.refused("POST", path, {"name": "x", "permissions": ["product.read"]}
                      if path.endswith("keys") else {}, session["access_token"], status=403,
                      code="step_up_required")


def test_there_is_an_end_to_keys(plane):
    joe = plane.account(plane.admin, "joe@example.com")
    token = plane.login(joe["email"])["access_token"]
    for _ in range(200):
        last = make(plane, token, "/me/keys")
    plane.refused("POST", "/me/keys", {"name": "x", "permissions": ["product.read"]}, token, status=409,
                  code="too_many_keys")
    plane.api("DELETE", f"/me/keys/{last['id']}", token=token, status=204)
    make(plane, token, "/me/keys")


# Rotation and use ---------------------------------------------------------------------------------

def test_rotation(plane):
    first = make(plane)
    rotate = f"/admin/keys/{first['id']}/rotate"
    for body in ({"previous_until": ahead(days=8)}, {"previous_until": ahead(days=-1)},
                 {"expires_at": ahead(days=366)}):
        plane.refused("POST", rotate, body, plane.admin, status=400, code="invalid_member")
    second = plane.api("POST", rotate, {"previous_until": ahead(seconds=600)}, plane.admin, 200)
    assert second["id"] == first["id"] and second["public_id"] == first["public_id"]
    assert second["expires_at"] == first["expires_at"] and second["previous_until"]
    assert opens(plane, first["key"]) and opens(plane, second["key"])
    # Two live, not three.
    third = plane.api("POST", rotate, {"previous_until": ahead(seconds=2)}, plane.admin, 200)
    assert [opens(plane, k["key"]) for k in (first, third)] == [False, True]
    slipway.wait_until(lambda: not opens(plane, second["key"]), "the end of the overlap")
    # At once.
    fourth = plane.api("POST", rotate, {"expires_at": ahead(days=30)}, plane.admin, 200)
    assert [opens(plane, k["key"]) for k in (third, fourth)] == [False, True]
    assert fourth["previous_until"] is None and fourth["expires_at"] < first["expires_at"]
    assert len(audit(plane, object=first["id"], action="key.rotate")) == 3
    plane.api("DELETE", f"/admin/keys/{first['id']}", token=plane.admin, status=204)
    assert not opens(plane, fourth["key"])
    plane.refused("POST", rotate, {}, plane.admin, status=409, code="key_ended")


def test_a_key_rotates_itself(plane):
    key = make(plane, permissions=["self.write", "self.read"], expires_at=ahead(days=1))
    new = plane.api("POST", f"/me/keys/{key['id']}/rotate", {"expires_at": ahead(days=300)}, key["key"], 200)
    assert new["expires_at"] == key["expires_at"]
    assert opens(plane, new["key"]) and not opens(plane, key["key"])


def test_use_is_noted_to_the_hour(plane):
    key = make(plane)
    assert opens(plane, key["key"])
    listed = next(k for k in plane.api("GET", "/me/keys?limit=200", token=plane.admin)["items"]
                  if k["id"] == key["id"])
    assert re.search(r"T\d\d:00:00(\.0+)?Z$", listed["last_used_at"])
