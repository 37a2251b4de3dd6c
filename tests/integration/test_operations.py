"""docs/operations.md, followed to the letter: releases, packages, devices and licences taken back and
given again, in the order the document shows it."""
import json

import pytest

import slipway

DOCUMENT = (slipway.ROOT / "docs" / "operations.md").read_text()
SECTION = DOCUMENT.partition("## Taking something back")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def server(database):
    running = slipway.Server(database)
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="module")
def customer(server, tmp_path_factory):
    """Two releases and a draft, and somebody with a licence, a device and a download."""
    folder = tmp_path_factory.mktemp("operations")
    server.cli("product", "create", "myvpn")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        deb = slipway.make_deb(folder / f"myvpn_{version}_amd64.deb", name="myvpn", version=version)
        server.publish(deb, "myvpn", version, "linux-amd64", "stable", "licensed",
                       *(["--draft"] if version == "1.2.0" else []))
    password = folder / "password"
    password.write_text("a password of somebody\n")
    password.chmod(0o600)
    server.cli("account", "create", "--email", "someone@example.com", "--role", "user", "--password-file", password)
    licence = server.cli("licence", "create", "--account", "someone@example.com", "--product", "myvpn",
                         "--max-devices", "1")
    slipway.follow(server, f"slipway-update --product myvpn --platform linux-amd64 --installed 0.0.0 "
                           f"--licence-key {licence['licence_key']} download --output got", folder)
    return {"folder": folder, "LICENCE": licence["id"],
            "DEVICE": server.cli("device", "list")["items"][0]["id"],
            "DOWNLOAD": server.cli("download", "list")["items"][0]["id"]}


def test_taking_something_back(server, customer):
    releases, people, reasons = slipway.shell_blocks(SECTION)
    ids = {f"${name}": customer[name] for name in ("LICENCE", "DEVICE", "DOWNLOAD")}
    slipway.follow(server, releases, customer["folder"])
    states = {r["version"]: r["state"] for r in server.cli("release", "list")["items"]}
    assert states == {"1.0.0": "withdrawn", "1.1.0": "published"}
    slipway.follow(server, people, customer["folder"], **ids)
    licence = server.cli("licence", "show", customer["LICENCE"])
    assert licence["state"] == "active" and licence["expires_at"]
    told = slipway.follow(server, reasons, customer["folder"], **ids)
    for word in ("device_not_activated", "device.revoke", "device.readmit", "slipway device admit"):
        assert word in told, told
    assert "allowed  yes" in told


def test_each_step_does_what_it_says(server, customer):
    """Line by line: what the comment beside a command claims."""
    package = server.cli("package", "show", "myvpn@1.1.0")["id"]

    def allowed():
        return server.cli("explain", "--package", package, "--device", customer["DEVICE"])["reason"]

    assert allowed() == "allowed"
    for take, give, reason in (
            (["device", "revoke", customer["DEVICE"]], ["device", "admit", customer["DEVICE"]],
             "device_not_activated"),
            (["licence", "suspend", customer["LICENCE"]], ["licence", "resume", customer["LICENCE"]],
             "licence_suspended"),
            (["account", "disable", "someone@example.com"], ["account", "enable", "someone@example.com"],
             "account_disabled"),
            (["package", "block", "myvpn@1.1.0", "--reason", "a hole"], ["package", "unblock", "myvpn@1.1.0"],
             "package_blocked"),
            (["release", "pause", "myvpn@1.1.0"], ["release", "resume", "myvpn@1.1.0"],
             "release_not_published")):
        server.cli(*take)
        assert allowed() == reason, take
        server.cli(*give)
        assert allowed() == "allowed", give


def test_licences_are_shown_as_they_are(server, customer):
    """For people: over is over, and no limit is no 0."""
    made = server.cli("licence", "create", "--account", "someone@example.com", "--product", "myvpn",
                      "--expires", "2020-01-01")
    assert server.cli("licence", "show", made["id"])["state"] == "active"  # what the API says
    shown = slipway.follow(server, f"slipway licence show {made['id']}; COLUMNS=200 slipway licence list",
                           customer["folder"])
    assert shown.count("expired") == 2 and shown.count("any number") == 2, shown
    assert json.dumps(made["max_devices"]) == "0"
