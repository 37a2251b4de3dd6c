"""Rotation of the keys that sign tokens, through the real server: the API and the data plane follow
without a restart. Times of months are in tests/unit/service/signing_keys_test.c."""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
import slipway

KINDS = ("access", "device", "download")


@pytest.fixture(scope="module")
def world(server):
    """A server with one public package, a licence, and what a client holds before any rotation."""
    server.cli("product", "create", "demo")
    deb = slipway.make_deb(server.dir / "demo_1.1.0_amd64.deb", version="1.1.0")
    server.package = server.publish(deb, "demo", "1.1.0")["packages"][0]["id"]
    server.cli("account", "create", "--email", "jo@example.com", "--role", "user", "--password-file",
               server.password_file)
    server.licence = server.cli("licence", "create", "--account", "jo@example.com", "--product",
                                "demo", "--max-devices", "5")["licence_key"]
    return server


def kid_of(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def tokens(server, fingerprint):
    """A fresh token of each kind."""
    device = server.api("POST", "/licences/activate", {
        "licence_key": server.licence, "device": {"name": "pc", "os": "linux", "arch": "amd64",
                                                  "fingerprint": fingerprint * 20}}, status=200).json
    login = server.api("POST", "/auth/login", {"email": "jo@example.com",
                                               "password": slipway.ADMIN_PASSWORD}, status=200).json
    grant = server.api("POST", "/downloads/token", {"package_id": server.package}, status=200).json
    return {"access": login["access_token"], "device": device["device_token"],
            "download": grant["token"], "url": grant["url"], "refresh": device["refresh_token"],
            "device_access": device["access_token"]}


def statuses(server, held):
    """What the control plane and the data plane say to these tokens."""
    check = "/updates/check?product=demo&version=1.0.0&platform=linux-amd64"
    path = held["url"][held["url"].index("/d/"):]
    return {"access": {server.api("GET", "/me", token=held["access"]).status,
                       server.api("GET", check, token=held["access"]).status},
            "device": {server.api("GET", "/packages/manifest?product=demo", token=held["device"]).status,
                       server.api("GET", check, token=held["device"]).status},
            "download": {server.request("GET", path).status}}


def key_set(server):
    document = server.request("GET", "/.well-known/jwks.json").json
    return {key["kid"] for key in document["keys"]}


def state_of(server, kid):
    return {key["kid"]: key["state"] for key in server.cli("signing-key", "list")["items"]}.get(kid)


def test_rotation_is_seen_by_nobody_and_revocation_by_all(world):
    before = tokens(world, "a")
    assert statuses(world, before) == {kind: {200} for kind in KINDS}
    workers = world.log.read_text().count("starting")

    made = {kind: world.cli("signing-key", "rotate", "--kind", kind, "--soon") for kind in KINDS}
    for kind in KINDS:
        assert made[kind]["state"] == "next"
        assert made[kind]["kid"] in key_set(world), "published before it signs"
        assert kid_of(before[kind]) in key_set(world)
        refused = world.cli("signing-key", "rotate", "--kind", kind, check=False)
        assert refused.returncode == 6 and "rotation_pending" in refused.stderr + refused.stdout

    slipway.wait_until(lambda: all(state_of(world, made[kind]["kid"]) == "signing" for kind in KINDS),
                       "the new keys to sign")
    after = tokens(world, "b")
    assert {kind: kid_of(after[kind]) for kind in KINDS} == {kind: made[kind]["kid"] for kind in KINDS}
    assert statuses(world, before) == statuses(world, after) == {kind: {200} for kind in KINDS}
    for kind in KINDS:
        assert state_of(world, kid_of(before[kind])) == "accepted"
        assert state_of(world, made[kind]["kid"]) == "signing"
        refused = world.cli("signing-key", "revoke", "unknown", check=False)
        assert refused.returncode == 5

    # A session begun before goes on; its next tokens are of the new key.
    renewed = world.api("POST", "/auth/refresh", {"refresh_token": before["refresh"]}, status=200).json
    assert kid_of(renewed["device_token"]) == made["device"]["kid"]

    # The administrator's own token is of an old key: revoked last.
    for kind in ("device", "download", "access"):
        world.cli("signing-key", "revoke", kid_of(before[kind]))
        assert kid_of(before[kind]) not in key_set(world)
    assert statuses(world, before) == {"access": {401}, "device": {401}, "download": {401}}
    assert statuses(world, after) == {kind: {200} for kind in KINDS}
    assert world.log.read_text().count("starting") == workers, "nothing was started again"
    files = {path.name for path in (world.data / "keys").glob("*.pem")}
    for kind in KINDS:
        assert f"{kind}-{made[kind]['kid']}.pem" in files
        assert f"{kind}-{kid_of(before[kind])}.pem" not in files

    world._tokens.clear()
    actions = [e["action"] for e in world.admin("GET", "/admin/audit", status=200).json["items"]]
    assert actions.count("signing_key.rotate") == actions.count("signing_key.revoke") == 3


def test_the_last_key_stays(world):
    for key in world.cli("signing-key", "list")["items"]:
        refused = world.cli("signing-key", "revoke", key["kid"], check=False)
        assert refused.returncode == 6 and "only_signing_key" in refused.stderr + refused.stdout


def test_keys_survive_a_restart(world):
    held = tokens(world, "c")
    keys = key_set(world)
    world.stop()
    world.start()
    assert key_set(world) == keys
    assert statuses(world, held) == {kind: {200} for kind in KINDS}


def test_only_those_with_the_permission(world):
    jo = world.login("jo@example.com", slipway.ADMIN_PASSWORD)
    for method, path in (("GET", "/admin/signing-keys"), ("POST", "/admin/signing-keys"),
                         ("DELETE", "/admin/signing-keys/x")):
        body = {"kind": "access"} if method == "POST" else None
        assert world.api(method, path, body, token=jo).status == 403
        assert world.api(method, path, body).status == 401
    assert world.admin("POST", "/admin/signing-keys", {"kind": "feed"}).status == 400


MODULE = "/usr/lib/softhsm/libsofthsm2.so"


@pytest.fixture
def token(monkeypatch):
    """A SoftHSM token with two EC keys; gives (settings, a function that hands it to the server)."""
    if not pathlib.Path(MODULE).exists() or not shutil.which("pkcs11-tool"):
        pytest.skip("softhsm2 and opensc are not installed")
    # Not below pytest's own directory, which the server's account cannot enter.
    directory = pathlib.Path(tempfile.mkdtemp(prefix="slipway-test-hsm-"))
    conf = directory / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {directory}\nlog.level = ERROR\n")
    pin = directory / "pin"
    pin.write_text("1234\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(conf))

    def run(*words):
        subprocess.run(words, check=True, capture_output=True)

    run("softhsm2-util", "--init-token", "--free", "--label", "slipway", "--so-pin", "12345678",
        "--pin", "1234")
    for number in ("1", "2"):
        run("pkcs11-tool", "--module", MODULE, "--token-label", "slipway", "--login", "--pin", "1234",
            "--keypairgen", "--key-type", "EC:prime256v1", "--id", "0" + number, "--label",
            "access-" + number)

    def hand_over():
        if os.getuid() == 0:
            run("chown", "-R", "slipway:slipway", str(directory))
            pin.chmod(0o600)
        return pin

    yield [f"pkcs11.module={MODULE}", f"pkcs11.pin_file={pin}"], hand_over
    shutil.rmtree(directory, ignore_errors=True)


def test_keys_in_a_token(database, token, postgresql):
    settings, hand_over = token
    server = slipway.Server(database if database == "sqlite" else postgresql(), settings)
    try:
        server.start()
        pin = hand_over()
        uri = "pkcs11:token=slipway;object=access-1"
        for bad, words in (("pkcs11:token=slipway;object=none", "no such key"),
                           (uri + "?pin-value=1234", "pkcs11.pin_file"), ("file:/x", "RFC 7512")):
            refused = server.cli("signing-key", "rotate", "--kind", "access", "--soon", "--pkcs11", bad,
                                 check=False)
            assert refused.returncode == 2 and words in refused.stderr + refused.stdout
        made = server.cli("signing-key", "rotate", "--kind", "access", "--soon", "--pkcs11", uri)
        assert made["pkcs11_uri"] == uri and made["kid"] in key_set(server)
        slipway.wait_until(lambda: state_of(server, made["kid"]) == "signing", "the key to sign")

        def signed():
            answer = server.api("POST", "/auth/login", {
                "email": slipway.ADMIN_EMAIL, "password": slipway.ADMIN_PASSWORD}, status=200)
            return answer.json["access_token"]

        check = "/updates/check?product=none&version=1.0.0&platform=linux-amd64"
        first = signed()
        assert kid_of(first) == made["kid"]
        assert server.api("GET", "/me", token=first).status == 200
        assert server.api("GET", check, token=first).status != 401
        assert not (server.data / "keys" / f"access-{made['kid']}.pem").exists()

        again = server.cli("signing-key", "rotate", "--kind", "access", "--soon", "--pkcs11", uri,
                           check=False)
        assert again.returncode == 6 and "pkcs11_key_used" in again.stderr + again.stdout

        server.stop()
        server.start()  # finds it in the token again
        assert kid_of(signed()) == made["kid"]
        assert server.api("GET", "/me", token=first).status == 200

        # The token leaves: the control plane says so and does not start; it is back: all is well.
        server.stop()
        pin.rename(pin.with_name("away"))
        server.start(wait=False)
        slipway.wait_until(lambda: "PIN file" in server.log.read_text(), "the complaint")
        pin.with_name("away").rename(pin)
        server.wait_ready()
        assert kid_of(signed()) == made["kid"]
    finally:
        server.close()
