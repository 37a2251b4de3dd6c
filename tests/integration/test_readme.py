"""The README, followed to the letter: one's own file, published to a licensed customer, fetched by
`slipway-update`, and what was recorded; then who may not have what, on the same server."""
import hashlib
import json
import os
import re
import subprocess

import pytest

import slipway

README = (slipway.ROOT / "README.md").read_text()
SECTION = README.partition("## Publish your own file to a licensed customer")[2].partition("\n## ")[0]
CHECK = "/updates/check?version=0.0.1&platform=linux-amd64&product="


@pytest.fixture(scope="module")
def server(database):
    running = slipway.Server(database, settings=["limit.api=100000"])
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="module")
def walked(server, tmp_path_factory):
    """The README's section done once: the folder and the licence key."""
    folder = tmp_path_factory.mktemp("readme")
    slipway.make_deb(folder / "myvpn_1.0.0_amd64.deb", name="myvpn", size=2_000_000)
    (folder / "password").write_text("a password of somebody\n")
    blocks = slipway.shell_blocks(SECTION)
    assert len(blocks) == 3
    key = re.search(r"SLW-[0-9A-Z-]+", slipway.follow(server, blocks[0], folder))[0]
    sent = (folder / "myvpn_1.0.0_amd64.deb").rename(folder / "sent.deb")
    slipway.follow(server, blocks[1], folder, **{"SLW-…": key})
    assert (folder / "myvpn_1.0.0_amd64.deb").read_bytes() == sent.read_bytes()
    return {"folder": folder, "key": key, "seen": lambda: slipway.follow(server, blocks[2], folder)}


def update(server, folder, *words, ca=None, code=0):
    done = subprocess.run([slipway.UPDATE, "--server", server.url, "--ca", ca or server.ca, *map(str, words), "--json"],
                          capture_output=True, text=True, timeout=60, env={**os.environ, "HOME": str(folder)})
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout) if code == 0 else done.stdout + done.stderr


def grant(server, body, status=200, **more):
    return server.api("POST", "/downloads/token", body, status=status, **more).json


def package_of(server, file, product, version="1.0.0", channel="stable", class_="public", *more):
    return server.publish(file, product, version, "linux-amd64", channel, class_, *more)["packages"][0]["id"]


def activate(server, key, number, status=200):
    body = {"licence_key": key, "device": {"name": f"device {number}", "os": "linux", "arch": "amd64",
                                           "fingerprint": f"{number:064x}"}}
    return server.api("POST", "/licences/activate", body, status=status).json


def test_own_file_to_a_licensed_customer(server, walked):
    listed = server.admin("GET", "/admin/downloads?product=myvpn", status=200).json["items"]
    assert len(listed) == 1
    path = f"/admin/downloads/{listed[0]['id']}"
    # The client's report and nginx's log line come in any order.
    record = slipway.wait_until(
        lambda: (r := server.admin("GET", path).json)["reported_at"] and r["first_byte_at"] and r, "the record")
    size = (walked["folder"] / "sent.deb").stat().st_size
    assert (record["state"], record["outcome"]) == ("completed", "success")
    assert record["bytes"] == record["bytes_sent"] == record["size"] == size
    assert record["duration_ms"] >= 0 and record["granted_at"] and record["referrer"] == "update_check"
    account = server.admin("GET", "/admin/accounts", status=200).json["items"]
    assert record["account_id"] == next(a["id"] for a in account if a["email"] == "someone@example.com")
    assert record["package_id"] and record["device_id"] and record["licence_id"]
    assert record["client"]["os"] and record["client"]["version"]
    assert record["id"] in walked["seen"]()
    # The same machine, asked again with the version it now has.
    again = update(server, walked["folder"], "--product", "myvpn", "--platform", "linux-amd64", "--installed",
                   "1.0.0", "check")
    assert again["update"] is False


def test_who_may_not(server, walked):
    package = server.admin("GET", "/admin/downloads?product=myvpn", status=200).json["items"][0]["package_id"]
    assert grant(server, {"package_id": package}, 401)["code"] == "authentication_required"
    grant(server, {"package_id": package}, 403, token=server.cli(
        "key", "create", "ci", "--permission", "product.read")["key"])
    licence = server.admin("GET", "/admin/licences", status=200).json["items"][0]["id"]
    device = activate(server, walked["key"], 1)
    assert grant(server, {"package_id": package}, token=device["access_token"])["url"]
    for change, reason in (({"state": "suspended"}, "licence_suspended"),
                           ({"state": "active", "expires_at": "2020-01-01T00:00:00Z"}, "licence_expired"),
                           ({"expires_at": None, "entitlements": ["other"]}, "entitlement_missing")):
        server.admin("PATCH", f"/admin/licences/{licence}", change, status=200)
        # Tokens from before the change are stale; a new sign-in does not help either.
        assert grant(server, {"package_id": package}, 401, token=device["access_token"])["code"] == \
            "credentials_stale"
        someone = server.api("POST", "/auth/login", {"email": "someone@example.com",
                                                     "password": "a password of somebody"}, status=200).json
        answer = grant(server, {"package_id": package}, 403, token=someone["access_token"])
        assert answer["code"] == reason, answer
    server.admin("PATCH", f"/admin/licences/{licence}", {"entitlements": ["vpn-client"]}, status=200)


def test_device_limit(server, walked):
    # One is the README's own; the licence has three.
    licence = server.admin("GET", "/admin/licences", status=200).json["items"][0]["id"]
    devices = {activate(server, walked["key"], n)["device_id"] for n in (1, 2)}
    assert activate(server, walked["key"], 2)["device_id"] in devices
    refused = server.api("POST", "/licences/activate", {"licence_key": walked["key"], "device": {
        "name": "one more", "os": "linux", "arch": "amd64", "fingerprint": "f" * 64}})
    assert refused.status in (403, 409, 429) and refused.json["code"] == "device_limit", refused
    listed = server.admin("GET", f"/admin/devices?licence={licence}", status=200).json["items"]
    assert len([d for d in listed if d["state"] == "active"]) == 3
    server.admin("DELETE", f"/admin/devices/{devices.pop()}", status=204)
    activate(server, walked["key"], 3)


def test_download_without_an_account(server, tmp_path):
    server.cli("product", "create", "open")
    deb = slipway.make_deb(tmp_path / "open_1.0.0_amd64.deb", name="open")
    package = package_of(server, deb, "open")
    got = grant(server, {"package_id": package})
    answer = server.request("GET", "/d/" + got["url"].split("/d/", 1)[1])
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(deb.read_bytes()).digest()
    assert server.admin("GET", f"/admin/downloads/{got['download_id']}", status=200).json["referrer"] == "direct"


def test_enterprise_and_development_packages(server, tmp_path):
    server.cli("product", "create", "closed")
    for name in ("one", "two"):
        server.cli("org", "create", name)
    (tmp_path / "password").write_text("a password of somebody\n")
    for name, more in (("inside", ["--org", "one"]), ("outside", ["--org", "two"])):
        server.cli("account", "create", "--email", f"{name}@example.com", "--role", "user",
                   "--password-file", tmp_path / "password", *more)
    inside, outside = (server.login(f"{n}@example.com", "a password of somebody") for n in ("inside", "outside"))
    ours = package_of(server, slipway.make_deb(tmp_path / "a.deb", name="closed"), "closed", "1.0.0", "stable",
                      "enterprise", "--org", "one")
    assert grant(server, {"package_id": ours}, token=inside)["url"]
    assert grant(server, {"package_id": ours}, 403, token=outside)["code"] == "organisation_mismatch"
    assert grant(server, {"package_id": ours}, 401)["code"] == "authentication_required"
    internal = package_of(server, slipway.make_deb(tmp_path / "b.deb", name="closed", version="2.0.0"), "closed",
                          "2.0.0", "dev", "development")
    assert grant(server, {"package_id": internal}, token=server.login())["url"]
    assert grant(server, {"package_id": internal}, 403, token=inside)["code"] == "class_not_permitted"


def test_channels(server, tmp_path):
    server.cli("product", "create", "channels")
    for version, channel in (("1.0.0", "stable"), ("1.1.0", "beta"), ("1.2.0", "dev")):
        deb = slipway.make_deb(tmp_path / f"{version}.deb", name="channels", version=version)
        package_of(server, deb, "channels", version, channel)
    offered = {c: server.api("GET", f"{CHECK}channels&channel={c}", status=200).json["version"]
               for c in ("stable", "beta", "dev")}
    assert offered == {"stable": "1.0.0", "beta": "1.1.0", "dev": "1.2.0"}


def test_reports_of_installations_are_counted(server, tmp_path):
    server.cli("product", "create", "counted")
    published = server.publish(slipway.make_deb(tmp_path / "c.deb", name="counted"), "counted", "1.0.0")
    for device in ("one", "one", "two"):
        answer = server.api("POST", "/updates/report", {"release_id": published["release_id"], "device": device,
                                                        "stage": "installed"})
        assert answer.status in (200, 201, 202, 204), answer
    reports = server.admin("GET", "/admin/stats?days=1", status=200).json["update_reports"]
    assert [r["devices"] for r in reports if (r["product"], r["stage"]) == ("counted", "installed")] == [2]


def test_only_the_named_authority_is_trusted(server, tmp_path):
    other = slipway.Server(settings=server.settings)
    try:
        other.start()
        said = update(server, tmp_path, "--product", "open", "--platform", "linux-amd64", "--installed", "0.0.1",
                      "check", ca=other.ca, code=11)
        assert "certificate" in said
    finally:
        other.close()
