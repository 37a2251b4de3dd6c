"""Licences, devices, grants, renewals, reports, revocation, explanations: on both databases, without
nginx. The unhappy ways first."""
import concurrent.futures
import hashlib
import re
import time
import urllib.parse

import pytest

import control
from control import claims_of

PLATFORM = "linux-amd64"


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["login.attempts=5", "api.threads=128"]) as running:
        running.count = 0
        running.packages = publish_all(running)
        yield running


def publish_all(plane):
    """One release with a package of each kind, and a draft; ids by name."""
    admin, ids = plane.admin, {}
    plane.api("POST", "/admin/products", {"name": "demo"}, admin, 201)
    plane.api("POST", "/admin/products", {"name": "abroad", "countries_denied": ["DE"]}, admin, 201)
    ids["org"] = plane.api("POST", "/admin/organisations", {"name": "Acme"}, admin, 201)["id"]
    kinds = [("public", "demo", {"class": "public"}), ("licensed", "demo", {"class": "licensed"}),
             ("pro", "demo", {"class": "licensed", "entitlement": "pro"}),
             ("enterprise", "demo", {"class": "enterprise", "organisation": "Acme"}),
             ("development", "demo", {"class": "development"}),
             ("abroad", "abroad", {"class": "public"}), ("draft", "demo", {"class": "public"})]
    for number, (name, product, more) in enumerate(kinds):
        release = plane.api("POST", "/admin/releases", {
            "product": product, "version": f"1.0.{number}", "channels": ["stable"]}, admin, 201)
        content = b"#!/bin/sh\n# " + name.encode() * 1000
        upload = plane.api("PUT", f"/admin/uploads/{name}.run", content, admin,
                           headers={"Content-Type": "application/octet-stream"})
        package = plane.api("POST", f"/admin/releases/{release['id']}/packages", {
            "upload_id": upload["id"], "filename": f"{name} 1.0.run", "platform": PLATFORM,
            "format": "run", **more}, admin, 201)
        if name != "draft":
            plane.api("POST", f"/admin/releases/{release['id']}/publish", None, admin, 200)
        ids[name] = package["id"]
        ids[name + "_release"] = release["id"]
        ids[name + "_sha256"] = hashlib.sha256(content).hexdigest()
        ids[name + "_size"] = len(content)
    return ids


@pytest.fixture
def customer(plane):
    plane.count += 1
    return plane.account(plane.admin, f"customer{plane.count}@example.com")


def licence(plane, customer, **more):
    body = {"account": customer["email"], "product": "demo", "max_devices": 2, **more}
    return plane.api("POST", "/admin/licences", body, plane.admin, 201)


def machine(number=0, **more):
    return {"name": f"laptop {number}", "os": "linux", "arch": "amd64",
            "fingerprint": f"machine-fingerprint-{number:06}", **more}


def activate(plane, key, number=0, status=200, **more):
    return plane.api("POST", "/licences/activate",
                     {"licence_key": key, "device": machine(number)}, status=status, **more)


def refuse_activation(plane, key, status, code, device=None):
    return plane.refused("POST", "/licences/activate",
                         {"licence_key": key, "device": machine() if device is None else device},
                         status=status, code=code)


def grant(plane, name, token=None, status=200, **more):
    return plane.api("POST", "/downloads/token", {"package_id": plane.packages[name], **more}, token,
                     status)


def refuse_grant(plane, name, status, code, token=None, headers=None, **more):
    return plane.refused("POST", "/downloads/token", {"package_id": plane.packages[name], **more},
                         token, status=status, code=code, headers=headers)


# Licence keys and activation ----------------------------------------------------------------------

def test_keys_that_open_nothing(plane, customer):
    key = licence(plane, customer)["licence_key"]
    for bad in ("SLW", "x" * 40, key[:-1], key[:-1] + ("A" if key[-1] != "A" else "B"),
                key.replace("SLW", "XYZ"), key + "-00000"):
        refuse_activation(plane, bad, 400, "licence_key_malformed")
    unknown = "SLW-00000-00000-00000-00000-00000-"
    digest = hashlib.sha256(b"slipway licence key check:" + b"0" * 25).digest()
    bits = int.from_bytes(digest[:4], "big") >> 7
    unknown += "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[bits >> s & 31] for s in (20, 15, 10, 5, 0))
    refuse_activation(plane, unknown, 403, "licence_key_unknown")
    for device, code in (({}, "missing_member"), ({"name": "x"}, "missing_member"),
                         ({**machine(), "fingerprint": "short"}, "invalid_member"),
                         ({**machine(), "colour": "red"}, "unknown_member"),
                         ("laptop", "invalid_member")):
        refuse_activation(plane, key, 400, code, device)


def test_licences_that_are_no_use(plane, customer):
    future, past = "2100-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
    for more, code in (({"starts_at": future}, "licence_not_started"),
                       ({"expires_at": past}, "licence_expired")):
        refuse_activation(plane, licence(plane, customer, **more)["licence_key"], 403, code)
    suspended = licence(plane, customer)
    plane.api("PATCH", f"/admin/licences/{suspended['id']}", {"state": "suspended"}, plane.admin, 200)
    refuse_activation(plane, suspended["licence_key"], 403, "licence_suspended")
    plane.api("PATCH", f"/admin/licences/{suspended['id']}", {"state": "active"}, plane.admin, 200)
    activate(plane, suspended["licence_key"])
    plane.api("PATCH", f"/admin/accounts/{customer['id']}", {"state": "disabled"}, plane.admin, 200)
    refuse_activation(plane, suspended["licence_key"], 403, "account_disabled")


def test_licences_that_cannot_be(plane, customer):
    for change, status, code in (
            ({"account": "nobody@example.com"}, 404, "account_not_found"),
            ({"product": "nothing"}, 404, "product_not_found"),
            ({"organisation": "nobody"}, 400, "unknown_organisation"),
            ({"entitlements": ["Pro"]}, 400, "entitlement_invalid"),
            ({"entitlements": ["a b"]}, 400, "entitlement_invalid"),
            ({"entitlements": ["x" * 65]}, 400, "entitlement_invalid"),
            ({"max_devices": -1}, 400, "invalid_member"),
            ({"starts_at": "2030-01-02T00:00:00Z", "expires_at": "2030-01-01T00:00:00Z"}, 400,
             "validity_empty")):
        plane.refused("POST", "/admin/licences",
                      {"account": customer["email"], "product": "demo", **change}, plane.admin,
                      status=status, code=code)
    plane.refused("GET", "/admin/licences/lic_nothing", token=plane.admin, status=404,
                  code="licence_not_found")
    user = plane.login(customer["email"])["access_token"]
    plane.refused("POST", "/admin/licences", {"account": customer["email"], "product": "demo"}, user,
                  status=403, code="permission_missing")


def test_the_key_is_shown_once_and_typed_freely(plane, customer):
    made = licence(plane, customer, entitlements=["pro", "beta.access"], plan="Team")
    key = made.pop("licence_key")
    assert re.fullmatch(r"SLW(-[0-9A-HJKMNP-TV-Z]{5}){6}", key)
    shown = plane.api("GET", f"/admin/licences/{made['id']}", token=plane.admin, status=200)
    assert shown == made and shown["key_hint"] == key[-5:] and shown["devices"] == 0
    assert shown["entitlements"] == ["pro", "beta.access"] and shown["plan"] == "Team"
    listed = plane.api("GET", f"/admin/licences?account={customer['email']}&product=demo",
                       token=plane.admin, status=200)
    assert listed["items"] == [made]
    first = activate(plane, key)
    again = activate(plane, " " + key.lower().replace("-", " ").replace("0", "o").replace("1", "l"))
    assert again["device_id"] == first["device_id"]
    for file in plane.data.rglob("*"):
        if file.is_file():
            assert key.encode() not in file.read_bytes(), file


def test_activation_is_idempotent_per_machine(plane, customer):
    key = licence(plane, customer)["licence_key"]
    first, again, other = activate(plane, key, 1), activate(plane, key, 1), activate(plane, key, 2)
    assert set(first) == {"device_id", "access_token", "token_type", "expires_in", "refresh_token",
                          "device_token"}
    assert first["device_id"] == again["device_id"] != other["device_id"]
    # The session of the first activation has ended: one device, one session.
    plane.refused("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]}, status=401,
                  code="invalid_grant")
    plane.refused("GET", "/me", token=first["access_token"], status=401, code="token_revoked")
    renewed = plane.api("POST", "/auth/refresh", {"refresh_token": again["refresh_token"]}, status=200)
    claims = claims_of(renewed["device_token"])
    assert claims["sub"] == first["device_id"] and claims["acc"] == customer["id"]
    assert claims_of(renewed["access_token"])["dev"] == first["device_id"]


def test_a_licence_of_an_administrator_makes_no_administrator(plane):
    admin = plane.api("GET", "/me", token=plane.admin, status=200)
    key = licence(plane, {"email": admin["email"]})["licence_key"]
    device = activate(plane, key)
    renewed = plane.api("POST", "/auth/refresh", {"refresh_token": device["refresh_token"]}, status=200)
    for token in (device["access_token"], renewed["access_token"]):
        plane.refused("GET", "/admin/licences", token=token, status=403, code="permission_missing")


def test_the_device_limit_holds_in_a_crowd(plane, customer):
    made = licence(plane, customer, max_devices=5)
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda i: plane.request("POST", "/api/v1/licences/activate", {
            "licence_key": made["licence_key"], "device": machine(i)}), range(64)))
    by_status = sorted(a.status for a in answers)
    assert by_status == [200] * 5 + [403] * 59, [a for a in answers if a.status not in (200, 403)][:3]
    assert {a.json["code"] for a in answers if a.status == 403} == {"device_limit"}
    shown = plane.api("GET", f"/admin/licences/{made['id']}", token=plane.admin)
    assert shown["devices"] == 5
    # Those that are in stay in; one that leaves makes room for one.
    devices = plane.api("GET", f"/admin/devices?licence={made['id']}", token=plane.admin)["items"]
    plane.api("DELETE", f"/admin/devices/{devices[0]['id']}", token=plane.admin, status=204)
    activate(plane, made["licence_key"], 100)
    refuse_activation(plane, made["licence_key"], 403, "device_limit", machine(101))
    plane.refused("PATCH", f"/admin/devices/{devices[0]['id']}", {"state": "active"}, plane.admin,
                  status=403, code="device_limit")


def test_the_same_machine_many_times_at_once_is_one_device(plane, customer):
    made = licence(plane, customer, max_devices=1)
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: activate(plane, made["licence_key"], 7), range(32)))
    assert len({a["device_id"] for a in answers}) == 1
    alive = [a for a in answers if plane.request("GET", "/api/v1/packages/manifest?product=demo",
                                                     token=a["access_token"]).status == 200]
    assert len(alive) == 1


def test_a_revoked_device_is_out(plane, customer):
    made = licence(plane, customer)
    device = activate(plane, made["licence_key"])
    path = f"/admin/devices/{device['device_id']}"
    assert plane.api("GET", path, token=plane.admin)["state"] == "active"
    plane.api("DELETE", path, token=plane.admin, status=204)
    plane.api("DELETE", path, token=plane.admin, status=204)
    plane.refused("GET", "/me", token=device["access_token"], status=401, code="token_revoked")
    plane.refused("POST", "/auth/refresh", {"refresh_token": device["refresh_token"]}, status=401,
                  code="invalid_grant")
    refuse_activation(plane, made["licence_key"], 403, "device_revoked")
    assert plane.api("PATCH", path, {"state": "active"}, plane.admin, 200)["state"] == "active"
    assert activate(plane, made["licence_key"])["device_id"] == device["device_id"]
    plane.refused("DELETE", "/admin/devices/dev_nothing", token=plane.admin, status=404,
                  code="device_not_found")


def test_a_changed_licence_makes_credentials_stale(plane, customer):
    made = licence(plane, customer, entitlements=["pro"])
    device = activate(plane, made["licence_key"])
    assert claims_of(device["device_token"])["ent"] == "pro"
    plane.api("PATCH", f"/admin/licences/{made['id']}", {"entitlements": ["basic"], "max_devices": 1},
              plane.admin, 200)
    plane.refused("GET", "/me", token=device["access_token"], status=401, code="credentials_stale")
    renewed = plane.api("POST", "/auth/refresh", {"refresh_token": device["refresh_token"]}, status=200)
    assert claims_of(renewed["device_token"])["ent"] == "basic"
    assert claims_of(renewed["device_token"])["ep"] > claims_of(device["device_token"])["ep"]
    plane.api("PATCH", f"/admin/licences/{made['id']}", {"state": "suspended"}, plane.admin, 200)
    renewed = plane.api("POST", "/auth/refresh", {"refresh_token": renewed["refresh_token"]}, status=200)
    claims = claims_of(renewed["device_token"])
    assert "ent" not in claims and "lic" not in claims
    refuse_grant(plane, "licensed", 403, "licence_suspended", renewed["access_token"])


def test_a_device_token_ends_with_the_licence(plane, customer):
    soon = time.time() + 3600
    made = licence(plane, customer, expires_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon)))
    device = activate(plane, made["licence_key"])
    assert claims_of(device["device_token"])["exp"] <= soon


# Grants -------------------------------------------------------------------------------------------

def test_what_nobody_gets_without_a_reason(plane, customer):
    user = plane.login(customer["email"])["access_token"]
    german = {"X-Slipway-Country": "DE"}
    for name, token, status, code, headers in (
            ("licensed", None, 401, "authentication_required", None),
            ("enterprise", None, 401, "authentication_required", None),
            ("development", None, 401, "authentication_required", None),
            ("draft", None, 403, "release_not_published", None),
            ("abroad", None, 403, "country_restricted", german),
            ("abroad", None, 403, "country_restricted", None),
            ("licensed", user, 403, "licence_required", None),
            ("enterprise", user, 403, "organisation_mismatch", None),
            ("development", user, 403, "class_not_permitted", None)):
        refuse_grant(plane, name, status, code, token, headers)
    plane.refused("POST", "/downloads/token", {"package_id": "pkg_nothing"}, status=404,
                  code="package_not_found")
    plane.refused("POST", "/downloads/token", {"release_id": "rel_nothing"}, status=404,
                  code="release_not_found")
    for body in ({}, {"package_id": "pkg_a", "release_id": "rel_a"}):
        plane.refused("POST", "/downloads/token", body, status=400, code="subject_missing")
    refuse_grant(plane, "public", 400, "host_invalid", headers={"Host": "evil.example/x?"})
    refuse_grant(plane, "public", 401, "authentication_required", device_id="dev_somebody")


def test_grants_by_licence_and_device(plane, customer):
    made = licence(plane, customer)
    user = plane.login(customer["email"])["access_token"]
    refuse_grant(plane, "licensed", 403, "device_not_activated", user)
    device = activate(plane, made["licence_key"])
    token = device["access_token"]
    refuse_grant(plane, "pro", 403, "entitlement_missing", token)
    answer = grant(plane, "licensed", token)
    assert grant(plane, "licensed", user, device_id=device["device_id"])
    refuse_grant(plane, "licensed", 403, "device_not_activated", user, device_id="dev_nothing")
    refuse_grant(plane, "licensed", 403, "device_not_activated", token, device_id="dev_nothing")
    record = plane.api("GET", f"/admin/downloads/{answer['download_id']}", token=plane.admin)
    assert record["account_id"] == customer["id"] and record["device_id"] == device["device_id"]
    assert record["licence_id"] == made["id"] and record["referrer"] == "update_check"
    # The device of one customer is no device of another.
    plane.count += 1
    stranger = plane.account(plane.admin, f"stranger{plane.count}@example.com")
    licence(plane, stranger)
    refuse_grant(plane, "licensed", 403, "device_not_activated",
                 plane.login(stranger["email"])["access_token"], device_id=device["device_id"])
    # A second, better licence serves where the first does not.
    licence(plane, customer, entitlements=["pro"], max_devices=0)
    renewed = plane.login(customer["email"])["access_token"]
    assert grant(plane, "pro", renewed)


def test_an_api_key_needs_the_permission(plane):
    key = plane.api("POST", "/admin/keys", {"name": "reader", "permissions": ["product.read"]},
                    plane.admin, 201)["key"]
    refuse_grant(plane, "public", 403, "permission_missing", key)


def test_organisations(plane):
    plane.count += 1
    member = plane.account(plane.admin, f"member{plane.count}@example.com", organisation="Acme")
    assert grant(plane, "enterprise", plane.login(member["email"])["access_token"])


def test_what_a_grant_says(plane):
    answer = plane.api("POST", "/downloads/token", {"package_id": plane.packages["public"]}, status=200,
                       headers={"Host": "downloads.example.com:8443", "User-Agent": "curl/7.88.1"})
    claims = claims_of(answer["token"])
    assert answer["url"] == ("https://downloads.example.com:8443/d/" + answer["token"] + "/"
                             + urllib.parse.quote("public 1.0.run"))
    assert answer["filename"] == "public 1.0.run" and answer["fallback_urls"] == []
    assert answer["sha256"] == plane.packages["public_sha256"] == claims["dig"]
    assert answer["size"] == plane.packages["public_size"]
    assert claims["dl"] == answer["download_id"] and claims["pkg"] == plane.packages["public"]
    assert claims["exp"] - claims["iat"] == 900 and claims["cdniuc"].startswith("regex:")
    assert claims["aud"] == "slipway" and "eps" not in claims
    record = plane.api("GET", f"/admin/downloads/{answer['download_id']}", token=plane.admin)
    assert record["state"] == "granted" and record["outcome"] is None and record["bytes"] == 0
    assert record["client"]["version"] == "curl/7.88.1" and record["referrer"] == "direct"
    assert record["account_id"] is None


def test_a_release_as_a_whole(plane):
    answer = plane.api("POST", "/downloads/token", {"release_id": plane.packages["public_release"]},
                       status=200)
    claims = claims_of(answer["token"])
    assert claims["rel"] == plane.packages["public_release"] and "dig" not in claims
    assert answer["url"].endswith(answer["token"] + "/") and answer["filename"] is None
    assert [f["sha256"] for f in answer["files"]] == [plane.packages["public_sha256"]]
    plane.refused("POST", "/downloads/token", {"release_id": plane.packages["licensed_release"]},
                  status=401, code="authentication_required")


# Renewal ------------------------------------------------------------------------------------------

def test_renewal_decides_anew(plane, customer):
    made = licence(plane, customer, max_devices=0)
    user = plane.login(customer["email"])["access_token"]
    answer = grant(plane, "licensed", user)
    path = f"/downloads/{answer['download_id']}/renew"
    plane.refused("POST", path, status=404, code="download_not_found")
    plane.refused("POST", path, token=plane.admin, status=404, code="download_not_found")
    plane.refused("POST", "/downloads/dl_nothing/renew", status=404, code="download_not_found")
    again = plane.api("POST", path, token=user, status=200)
    assert again["download_id"] == answer["download_id"]
    # A fresh token is given again: there are never many alive.
    assert claims_of(again["token"])["jti"] == claims_of(answer["token"])["jti"]
    plane.api("PATCH", f"/admin/licences/{made['id']}", {"state": "suspended"}, plane.admin, 200)
    user = plane.login(customer["email"])["access_token"]
    plane.refused("POST", path, token=user, status=403, code="licence_suspended")


def test_a_renewed_token_is_another_one_once_the_first_is_old():
    plane = control.Control(settings=["token.download_ttl=10s"])
    try:
        plane.start()
        plane.admin = plane.administrator()
        plane.packages = publish_all(plane)
        answer = grant(plane, "public")

        def renewed():
            new = plane.api("POST", f"/downloads/{answer['download_id']}/renew", status=200)
            return claims_of(new["token"])["jti"] != claims_of(answer["token"])["jti"] and new

        new = control.wait_until(renewed, "a token of its own", 20)
        assert claims_of(new["token"])["exp"] > claims_of(answer["token"])["exp"]
        record = plane.api("GET", f"/admin/downloads/{answer['download_id']}", token=plane.admin)
        assert record["renewals"] == 1
    finally:
        plane.close()


# Reports ------------------------------------------------------------------------------------------

def test_reports(plane, customer):
    answer = grant(plane, "public")
    report = {"download_id": answer["download_id"], "status": "success", "bytes": answer["size"],
              "duration_ms": 1500, "client": {"os": "linux 6.1", "device": "amd64", "version": "1.0.0"},
              "referrer": "update_check"}
    for change, code in (({"status": "done"}, "invalid_member"), ({"bytes": -1}, "invalid_member"),
                         ({"bytes": "10"}, "invalid_member"), ({"more": 1}, "unknown_member")):
        assert plane.request("PUT", "/api/v1/downloads/complete", {**report, **change}).status == 400
    plane.refused("PUT", "/downloads/complete", {**report, "download_id": "dl_nothing"}, status=404,
                  code="download_not_found")
    done = plane.api("PUT", "/downloads/complete", report, status=200)
    assert done["state"] == "completed" and done["outcome"] == "success"
    assert done["duration_ms"] == 1500 and done["client"]["os"] == "linux 6.1"
    assert plane.api("PUT", "/downloads/complete", report, status=200) == done
    for change in ({"bytes": 1}, {"status": "failure"}, {"duration_ms": 1}, {"referrer": "direct"},
                   {"client": {"os": "windows"}}):
        plane.refused("PUT", "/downloads/complete", {**report, **change}, status=409,
                      code="report_conflict")
    plane.refused("POST", f"/downloads/{answer['download_id']}/renew", status=409, code="download_ended")
    # Somebody else's download.
    licence(plane, customer, max_devices=0)
    user = plane.login(customer["email"])["access_token"]
    theirs = grant(plane, "licensed", user)["download_id"]
    failure = {"download_id": theirs, "status": "failure", "bytes": 10, "duration_ms": 5,
               "error": "disk full"}
    plane.refused("PUT", "/downloads/complete", failure, status=404, code="download_not_found")
    plane.refused("PUT", "/downloads/complete", failure, plane.admin, status=404,
                  code="download_not_found")
    failed = plane.api("PUT", "/downloads/complete", failure, user, 200)
    assert failed["state"] == "failed" and failed["error"] == "disk full"


def test_one_of_many_reports_wins(plane):
    answer = grant(plane, "public")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda i: plane.request("PUT", "/api/v1/downloads/complete", {
            "download_id": answer["download_id"], "status": "success", "bytes": i,
            "duration_ms": 1}).status, range(16)))
    assert sorted(statuses) == [200] + [409] * 15


def test_update_reports(plane, customer):
    device = activate(plane, licence(plane, customer)["licence_key"])
    body = {"release_id": plane.packages["public_release"], "device": device["device_id"],
            "stage": "installed"}
    plane.refused("POST", "/updates/report", body, status=401, code="device_mismatch")
    plane.refused("POST", "/updates/report", body, plane.admin, status=403, code="device_mismatch")
    plane.refused("POST", "/updates/report", {**body, "release_id": "rel_nothing"},
                  device["access_token"], status=404, code="release_not_found")
    for stage in ("downloaded", "installed", "installed"):
        plane.api("POST", "/updates/report", {**body, "stage": stage}, device["access_token"], 202)
    plane.api("POST", "/updates/report", {**body, "device": "somebody-7", "stage": "failed",
                                          "error": "no space"}, status=202)
    reports = {(r["version"], r["stage"]): r["devices"] for r in
               plane.api("GET", "/admin/stats?days=1", token=plane.admin)["update_reports"]}
    assert reports[("1.0.0", "installed")] == 1 and reports[("1.0.0", "failed")] == 1


# Revocation ---------------------------------------------------------------------------------------

def test_who_may_revoke_what(plane, customer):
    made = licence(plane, customer, max_devices=0)
    user = plane.login(customer["email"])["access_token"]
    download = grant(plane, "licensed", user)
    plane.count += 1
    stranger = plane.login(plane.account(plane.admin, f"s{plane.count}@example.com")["email"])["access_token"]
    device = activate(plane, made["licence_key"])
    own = claims_of(user)["jti"]
    for body in ({"download_id": download["download_id"]}, {"jti": claims_of(download["token"])["jti"]},
                 {"jti": own}, {"token": user}, {"device_id": device["device_id"]},
                 {"account_id": customer["id"]}, {"download_id": "dl_nothing"},
                 {"device_id": "dev_nothing"}):
        plane.refused("DELETE", "/tokens/revoke", body, stranger, status=404, code="not_found")
    plane.refused("DELETE", "/tokens/revoke", {"account_id": customer["id"]}, device["access_token"],
                  status=404, code="not_found")
    plane.refused("DELETE", "/tokens/revoke", {"account_id": "acc_nothing"}, plane.admin, status=404,
                  code="not_found")
    for body in ({}, {"jti": "a", "token": "b"}):
        plane.refused("DELETE", "/tokens/revoke", body, user, status=400, code="subject_missing")
    plane.refused("DELETE", "/tokens/revoke", {"token": "a.b.c"}, user, status=400, code="token_invalid")
    plane.refused("DELETE", "/tokens/revoke", {"jti": "a"}, status=401, code="authentication_required")


def test_tokens_that_were_never_issued_are_not_revoked(plane, customer):
    """Each revocation is a row at every edge."""
    licence(plane, customer, max_devices=0)
    user = plane.login(customer["email"])["access_token"]
    download = grant(plane, "licensed", user)
    jti = claims_of(download["token"])["jti"]
    assert jti == download["download_id"] + ".0"
    for n in ("1", "2147483647", "2147483648", "00", "-1", ""):
        plane.refused("DELETE", "/tokens/revoke", {"jti": f"{download['download_id']}.{n}"}, user,
                      status=404, code="not_found")
    plane.refused("DELETE", "/tokens/revoke", {"jti": download["download_id"] + ".1"}, plane.admin,
                  status=404, code="not_found")
    plane.api("DELETE", "/tokens/revoke", {"jti": jti}, user, 204)


def test_an_api_key_does_not_act_for_its_owner(plane):
    """A key made for uploads ends none of what its owner has; one for downloads only those."""
    device = activate(plane, licence(plane, {"email": control.ADMIN_EMAIL}, max_devices=0)["licence_key"])
    download = grant(plane, "licensed", plane.admin)

    def key(*permissions):
        return plane.api("POST", "/admin/keys", {"name": "k", "permissions": permissions},
                         plane.admin, 201)["key"]
    uploader, downloader, own = key("upload.write"), key("download.request"), key("self.write")
    ours = {"device_id": device["device_id"]}, {"token": plane.admin}, {"token": device["access_token"]}
    for body in (*ours, {"download_id": download["download_id"]}):
        plane.refused("DELETE", "/tokens/revoke", body, uploader, status=404, code="not_found")
    for body in ours:
        plane.refused("DELETE", "/tokens/revoke", body, downloader, status=404, code="not_found")
    report = {"download_id": download["download_id"], "status": "failure", "bytes": 0, "duration_ms": 0}
    plane.refused("PUT", "/downloads/complete", report, uploader, status=403, code="permission_missing")
    plane.api("DELETE", "/tokens/revoke", {"download_id": download["download_id"]}, downloader, 204)
    plane.api("DELETE", "/tokens/revoke", {"device_id": device["device_id"]}, own, 204)


def test_revoked_means_revoked_when_answered(plane, customer):
    made = licence(plane, customer, max_devices=3)
    device = activate(plane, made["licence_key"])
    token = device["access_token"]
    download = grant(plane, "licensed", token)
    plane.api("DELETE", "/tokens/revoke", {"download_id": download["download_id"]}, token, 204)
    plane.api("DELETE", "/tokens/revoke", {"download_id": download["download_id"]}, token, 204)
    record = plane.api("GET", f"/admin/downloads/{download['download_id']}", token=plane.admin)
    assert record["state"] == "failed" and record["error"] == "revoked"
    plane.refused("POST", f"/downloads/{download['download_id']}/renew", token=token, status=409,
                  code="download_ended")
    plane.api("DELETE", "/tokens/revoke", {"token": token}, token, 204)
    plane.refused("GET", "/me", token=token, status=401, code="token_revoked")
    # The session goes on: it was this token only.
    token = plane.api("POST", "/auth/refresh", {"refresh_token": device["refresh_token"]},
                      status=200)["access_token"]
    plane.api("DELETE", "/tokens/revoke", {"device_id": device["device_id"]}, plane.admin, 204)
    plane.refused("GET", "/me", token=token, status=401, code="token_revoked")
    device = activate(plane, made["licence_key"])
    user = plane.login(customer["email"])["access_token"]
    plane.api("DELETE", "/tokens/revoke", {"account_id": customer["id"]}, user, 204)
    for dead in (user, device["access_token"]):
        assert plane.request("GET", "/api/v1/me", token=dead).status == 401
    plane.refused("POST", "/auth/refresh", {"refresh_token": device["refresh_token"]}, status=401,
                  code="invalid_grant")


# Explanations and statistics ----------------------------------------------------------------------

def explain(plane, package, **query):
    query = urllib.parse.urlencode({"package_id": plane.packages[package], **query})
    return plane.api("GET", f"/admin/explain?{query}", token=plane.admin, status=200)


def test_explanations_say_what_grants_say(plane, customer):
    assert explain(plane, "public")["allowed"]
    assert explain(plane, "licensed")["reason"] == "authentication_required"
    assert explain(plane, "licensed", account=customer["email"])["reason"] == "licence_required"
    made = licence(plane, customer)
    answer = explain(plane, "licensed", account=customer["email"])
    assert not answer["allowed"] and answer["reason"] == "device_not_activated"
    assert answer["facts"]["licence_id"] == made["id"] and answer["text"]
    device = activate(plane, made["licence_key"])["device_id"]
    assert explain(plane, "licensed", account=customer["email"], device=device)["allowed"]
    owned = explain(plane, "licensed", device=device)  # its owner is looked up
    assert owned["allowed"] and owned["facts"]["account_id"] == customer["id"]
    plane.refused("GET", f"/admin/explain?package_id={plane.packages['public']}&device=dev_nothing",
                  token=plane.admin, status=404, code="device_not_found")
    assert explain(plane, "abroad", country="DE")["reason"] == "country_restricted"
    assert explain(plane, "abroad", country="FR")["allowed"]
    plane.refused("GET", f"/admin/explain?package_id={plane.packages['public']}&account=nobody@example.com",
                  token=plane.admin, status=404, code="account_not_found")
    plane.refused("GET", "/admin/explain?package_id=pkg_nothing", token=plane.admin, status=404,
                  code="package_not_found")


def test_lists_and_statistics(plane):
    for _ in range(3):
        grant(plane, "public")
    page = plane.api("GET", "/admin/downloads?limit=2&product=demo", token=plane.admin, status=200)
    assert len(page["items"]) == 2 and page["next_cursor"]
    more = plane.api("GET", f"/admin/downloads?limit=2&product=demo&cursor={page['next_cursor']}",
                     token=plane.admin, status=200)
    ids = [d["id"] for d in page["items"] + more["items"]]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 4
    assert plane.api("GET", "/admin/downloads?product=nothing", token=plane.admin)["items"] == []
    public = plane.packages["public"]
    of_it = plane.api("GET", f"/admin/downloads?package={public}", token=plane.admin)["items"]
    assert of_it and all(d["package_id"] == public for d in of_it)
    stats = plane.api("GET", "/admin/stats?days=7", token=plane.admin, status=200)
    today = stats["downloads_by_day"][-1]
    assert today["granted"] >= 4 and stats["days"] == 7
    assert sum(p["granted"] for p in stats["downloads_by_package"]) == today["granted"]
    plane.refused("GET", "/admin/stats?days=0", token=plane.admin, status=400, code="invalid_member")


def test_administrators_see_names_and_customers_do_not(plane, customer):
    made = licence(plane, customer)
    device = activate(plane, made["licence_key"])
    answer = grant(plane, "licensed", device["access_token"])
    names = {"product": "demo", "version": "1.0.1", "platform": PLATFORM, "account": customer["email"]}
    for path in (f"/admin/downloads?account={customer['email']}", f"/admin/downloads?account={customer['id']}"):
        seen = plane.api("GET", path, token=plane.admin, status=200)["items"]
        assert [d["id"] for d in seen] == [answer["download_id"]] and seen[0].items() >= names.items()
    assert plane.api("GET", f"/admin/downloads/{answer['download_id']}", token=plane.admin) == seen[0]
    for path in (f"/admin/devices?account={customer['email']}", f"/admin/devices?licence={made['id']}"):
        seen = plane.api("GET", path, token=plane.admin, status=200)["items"]
        assert [d["id"] for d in seen] == [device["device_id"]]
        assert (seen[0]["account"], seen[0]["account_id"], seen[0]["product"]) == (customer["email"], customer["id"],
                                                                                   "demo")
    for what in ("devices", "downloads"):
        plane.refused("GET", f"/admin/{what}?account=nobody@example.com", token=plane.admin, status=404,
                      code="account_not_found")
    # Who has a licence key need not know whose it is.
    done = plane.api("PUT", "/downloads/complete", {"download_id": answer["download_id"], "status": "success",
                     "bytes": 1, "duration_ms": 1}, device["access_token"], 200)
    assert customer["email"] not in str(done) and done["account"] is None
    # What is deleted has no name, and its downloads stay.
    plane.api("DELETE", f"/admin/accounts/{customer['id']}?licences=delete", token=plane.admin, status=204)
    gone = plane.api("GET", f"/admin/downloads?account={customer['id']}", token=plane.admin)["items"]
    assert [d["account"] for d in gone] == [None] and gone[0]["product"] == "demo"


def test_answers_are_as_documented(plane, customer):
    document = plane.api("GET", "/openapi.json", status=200)
    made = licence(plane, customer, entitlements=["pro"])
    device = activate(plane, made["licence_key"])
    answer = grant(plane, "licensed", device["access_token"])
    for schema, value in (
            ("new_licence", made), ("activation", device), ("grant", answer),
            ("device", plane.api("GET", f"/admin/devices/{device['device_id']}", token=plane.admin)),
            ("download", plane.api("GET", f"/admin/downloads/{answer['download_id']}", token=plane.admin)),
            ("stats", plane.api("GET", "/admin/stats", token=plane.admin)),
            ("explanation", explain(plane, "licensed", account=customer["email"]))):
        control.check_schema(value, document["components"]["schemas"][schema], document, schema)
