"""The catalogue: products, releases, packages, what clients see of them, and what is refused."""
import hashlib
import shutil
import subprocess
import threading

import pytest

import slipway

VERSIONS = iter(range(1, 10_000))
NAMES = iter(range(1, 10_000))


@pytest.fixture(scope="module")
def server(database):
    """As everywhere, but the limit of requests is not what is tested here."""
    running = slipway.Server(database, settings=["limit.api=100000"])
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture
def product(server):
    """A new product; its name."""
    name = f"vpn-{next(NAMES)}"
    server.admin("POST", "/admin/products", {"name": name}, status=201)
    return name


def upload(server, data, filename="demo.run"):
    return server.api("PUT", f"/admin/uploads/{filename}", data, token=server.login(), status=201).json


def script(text="echo installed"):
    """An installer of its own each time."""
    return f"#!/bin/sh\n{text} {next(VERSIONS)}\n".encode()


def draft(server, product, version="1.0.0", channels=("stable",), **more):
    return server.admin("POST", "/admin/releases", {"product": product, "version": version,
                                                    "channels": list(channels), **more}, status=201).json


def add(server, release, data=None, platform="linux-amd64", filename=None, status=201, **more):
    data = data or script()
    sent = upload(server, data, filename or f"demo-{next(NAMES)}.run")
    return server.admin("POST", f"/admin/releases/{release['id']}/packages",
                        {"upload_id": sent["id"], "platform": platform, **more}, status=status).json


def act(server, release, verb, body=None, status=200):
    return server.admin("POST", f"/admin/releases/{release['id']}/{verb}", body, status=status).json


def publish(server, product, version="1.0.0", channels=("stable",), data=None, **more):
    release = draft(server, product, version, channels)
    package = add(server, release, data, **more)
    return act(server, release, "publish"), package


def check(server, product, version="0.0.1", channel="stable", platform="linux-amd64", **more):
    query = "".join(f"&{k}={v}" for k, v in more.items())
    return server.api("GET", f"/updates/check?product={product}&version={version}&channel={channel}"
                             f"&platform={platform}{query}", status=200).json


def offered(server, product, **more):
    return check(server, product, **more)["version"] if check(server, product, **more)["update"] else None


def manifest(server, product, token=None, **more):
    query = "".join(f"&{k}={v}" for k, v in more.items())
    return server.api("GET", f"/packages/manifest?product={product}{query}", token=token, status=200).json


def versions(listing):
    return [r["version"] for r in listing["releases"]]


# Products ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["", "Vpn", "a_b", "-a", "a b", "a/b", "x" * 65, "prod_01h455vb4pex5vsknk084sn02q"])
def test_bad_product_names(server, name):
    server.admin("POST", "/admin/products", {"name": name}, status=400)


def test_product(server):
    made = server.admin("POST", "/admin/products", {
        "name": "product-a", "title": "Product A", "countries_denied": ["KP"]}, status=201).json
    assert server.admin("POST", "/admin/products", {"name": "product-a"}, status=409).json["code"] == "product_exists"
    assert server.admin("GET", "/admin/products/product-a", status=200).json == made
    assert server.admin("GET", f"/admin/products/{made['id']}", status=200).json == made
    changed = server.admin("PATCH", "/admin/products/product-a", {
        "title": "New", "countries_denied": [], "countries_allowed": ["DE", "FR"]}, status=200).json
    assert changed == {**made, "title": "New", "countries_denied": [], "countries_allowed": ["DE", "FR"]}
    server.admin("PATCH", "/admin/products/product-a", {"countries_denied": ["Germany"]}, status=400)
    server.admin("PATCH", "/admin/products/product-a", {"name": "other"}, status=400)
    server.admin("GET", "/admin/products/nothing", status=404)
    listed = server.admin("GET", "/admin/products?limit=200", status=200).json["items"]
    assert changed in listed


# Releases ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("change, code", [
    ({"version": "1.0"}, "invalid_version"),
    ({"version": "v1.0.0"}, "invalid_version"),
    ({"version": "01.0.0"}, "invalid_version"),
    ({"channels": []}, None),
    ({"channels": ["nightly"]}, "unknown_channel"),
    ({"min_from": "x"}, "invalid_version"),
    ({"min_from": "1.0.0"}, "invalid_min_from"),
    ({"notes": "x" * 49153}, None),
    ({"eol_at": "tomorrow"}, None),
    ({"surprise": 1}, None),
])
def test_bad_releases(server, product, change, code):
    body = {"product": product, "version": "1.0.0", "channels": ["stable"], **change}
    answer = server.admin("POST", "/admin/releases", body, status=400)
    assert code is None or answer.json["code"] == code


def test_release_of_nothing(server):
    body = {"product": "nothing", "version": "1.0.0", "channels": ["stable"]}
    assert server.admin("POST", "/admin/releases", body, status=404).json["code"] == "product_not_found"


def test_one_release_per_precedence(server, product):
    first = draft(server, product, "1.0.0+build.1", notes="# One")
    body = {"product": product, "version": "1.0.0+build.1", "channels": ["stable"]}
    assert server.admin("POST", "/admin/releases", body, status=200).json == first
    for change in ({"version": "1.0.0"}, {"notes": "other"}, {"channels": ["beta"]}, {"critical": True}):
        answer = server.admin("POST", "/admin/releases", {**body, **change}, status=409)
        assert answer.json["code"] == "version_exists"


def test_states(server, product):
    release = draft(server, product)
    assert act(server, release, "publish", status=409)["code"] == "release_empty"
    add(server, release)
    for verb in ("pause", "resume"):
        assert act(server, release, verb, status=409)["code"] == "release_state"
    assert act(server, release, "withdraw", {"reason": "bad"}, status=409)["code"] == "release_state"
    published = act(server, release, "publish")
    assert published["state"] == "published" and published["published_at"]
    assert act(server, release, "publish") == published  # nothing to do
    assert offered(server, product) == "1.0.0"
    assert act(server, release, "pause")["state"] == "paused"
    assert offered(server, product) is None
    assert act(server, release, "publish", status=409)["code"] == "release_state"
    assert act(server, release, "resume")["state"] == "published"
    assert offered(server, product) == "1.0.0"
    act(server, release, "withdraw", {}, status=400)
    withdrawn = act(server, release, "withdraw", {"reason": "crashes"})
    assert withdrawn["state"] == "withdrawn" and withdrawn["withdrawn_reason"] == "crashes"
    assert offered(server, product) is None
    for verb in ("publish", "pause", "resume"):
        act(server, release, verb, status=409)
    act(server, release, "promote", {"channel": "beta"}, status=409)
    server.admin("PATCH", f"/admin/releases/{release['id']}", {"notes": "x"}, status=409)
    server.admin("POST", "/admin/releases/rel_nothing/publish", status=404)


def test_channels(server, product):
    """stable ⊂ beta ⊂ dev: a subscriber of dev sees all, one of stable only stable."""
    release, _ = publish(server, product, "1.0.0", ["dev"])
    seen = lambda: {c for c in ("stable", "beta", "dev") if offered(server, product, channel=c)}
    assert seen() == {"dev"}
    server.admin("PATCH", f"/admin/releases/{release['id']}", {"channels": ["stable"]}, status=409)
    assert act(server, release, "promote", {"channel": "beta"})["channels"] == ["beta", "dev"]
    assert seen() == {"dev", "beta"}
    act(server, release, "promote", {"channel": "stable"})
    act(server, release, "promote", {"channel": "stable"})  # nothing to do
    assert seen() == {"dev", "beta", "stable"}
    act(server, release, "promote", {"channel": "nightly"}, status=400)
    act(server, release, "withdraw", {"reason": "x"})
    assert seen() == set()


def test_edit(server, product):
    release = draft(server, product, "2.0.0", ["beta"])
    path = f"/admin/releases/{release['id']}"
    edited = server.admin("PATCH", path, {"channels": ["stable"], "notes": "# New", "critical": True,
                                          "min_from": "1.5.0"}, status=200).json
    assert edited["channels"] == ["stable"] and edited["critical"] and edited["min_from"] == "1.5.0"
    server.admin("PATCH", path, {"min_from": "2.0.0"}, status=400)
    add(server, release)
    act(server, release, "publish")
    assert check(server, product, "1.0.0")["reason"] != "update_available"
    # Announced later: reaches clients at once.
    server.admin("PATCH", path, {"min_from": None, "mandatory": True, "critical": False,
                                 "eol_at": "2030-01-01T00:00:00Z"}, status=200)
    answer = check(server, product, "1.0.0")
    assert answer["update"] and answer["mandatory"] and not answer["critical"]
    assert answer["eol"].startswith("2030-01-01")
    server.admin("PATCH", path, {"eol_at": None}, status=200)
    assert check(server, product, "1.0.0")["eol"] is None


def test_publishing_permission_by_channel(server, product):
    """A key that may publish to dev may not publish to stable, nor touch what is there."""
    key = server.admin("POST", "/admin/keys", {
        "name": "ci", "permissions": ["release.write", "release.publish.dev", "upload.write", "product.read"]},
        status=201).json["key"]

    def call(method, path, body=None, status=200):
        return server.api(method, path, body, token=key, status=status).json

    stable, _ = publish(server, product, "1.0.0")
    dev = call("POST", "/admin/releases", {"product": product, "version": "1.1.0", "channels": ["dev"]}, 201)
    sent = server.api("PUT", "/admin/uploads/ci.run", script(), token=key, status=201).json
    call("POST", f"/admin/releases/{dev['id']}/packages",
         {"upload_id": sent["id"], "platform": "linux-amd64"}, 201)
    call("POST", f"/admin/releases/{dev['id']}/publish")
    denied = call("POST", f"/admin/releases/{dev['id']}/promote", {"channel": "stable"}, 403)
    assert denied["code"] == "permission_missing"
    for verb in ("pause", "withdraw"):
        call("POST", f"/admin/releases/{stable['id']}/{verb}",
             {"reason": "x"} if verb == "withdraw" else None, 403)
    call("PATCH", f"/admin/releases/{stable['id']}", {"critical": True}, 403)
    call("POST", f"/admin/releases/{stable['id']}/packages",
         {"upload_id": sent["id"], "platform": "linux-arm64"}, 403)


# Packages ---------------------------------------------------------------------------------------

def test_package_is_what_it_says(server, product, tmp_path):
    deb = slipway.make_deb(tmp_path / "demo_1.0.0_amd64.deb").read_bytes()
    release = draft(server, product, "1.0.0")
    for body, code in [
        ({"platform": "linux-arm64"}, "architecture_mismatch"),
        ({"platform": "linux-any"}, "architecture_mismatch"),
        ({"platform": "windows-amd64"}, "architecture_mismatch"),
        ({"format": "rpm"}, "format_mismatch"),
        ({"entitlement": "two words"}, "invalid_entitlement"),
        ({"min_os_version": "ten"}, "invalid_os_version"),
        ({"class": "enterprise"}, "organisation_missing"),
        ({"class": "enterprise", "organisation": "org_none"}, "organisation_not_found"),
        ({"organisation": "org_none"}, "organisation_not_expected"),
    ]:
        answer = add(server, release, deb, filename="demo.deb", status=400, **body)
        assert answer["code"] == code, body
    sent = upload(server, deb, "demo.deb")
    path = f"/admin/releases/{release['id']}/packages"
    for name in ("../x.deb", "a/b.deb", ".deb", "a\nb", "-x", "x" * 201):
        body = {"upload_id": sent["id"], "platform": "linux-amd64", "filename": name}
        server.admin("POST", path, body, status=400)
    add(server, release, deb, filename="demo.deb", platform="linux-vax", status=400)
    add(server, release, deb, filename="demo.deb", format="floppy", status=400)
    package = add(server, release, deb, filename="demo.deb", format="deb")
    assert package["format"] == "deb" and package["warnings"] == [] and package["class"] == "public"
    assert package["sha256"] == hashlib.sha256(deb).hexdigest() and package["size"] == len(deb)
    assert server.admin("GET", f"/admin/packages/{package['id']}", status=200).json == \
        {k: v for k, v in package.items() if k != "warnings"}


def test_version_that_differs(server, product, tmp_path):
    deb = slipway.make_deb(tmp_path / "demo.deb", version="1.0.1-2").read_bytes()
    release = draft(server, product, "1.0.0")
    assert add(server, release, deb, filename="demo.deb", strict=True, status=400)["code"] == "version_mismatch"
    package = add(server, release, deb, filename="demo.deb")
    assert "1.0.1-2" in package["warnings"][0] and "1.0.0" in package["warnings"][0]
    same = slipway.make_deb(tmp_path / "same.deb", version="1:1.0.0-2+deb12u1").read_bytes()
    other = draft(server, product, "1.0.0-rc.1")
    assert add(server, other, same, filename="same.deb")["warnings"]
    act(server, release, "publish")
    fine = draft(server, product, "1.0.2")
    deb = slipway.make_deb(tmp_path / "fine.deb", version="1:1.0.2-2+deb12u1").read_bytes()
    assert add(server, fine, deb, filename="fine.deb", strict=True)["warnings"] == []


def test_bytes_never_change(server, product):
    data = script()
    release = draft(server, product)
    package = add(server, release, data, filename="a.run")
    again = add(server, release, data, filename="a.run", status=200)
    assert again["id"] == package["id"]
    act(server, release, "publish")
    assert add(server, release, data, filename="a.run", status=200)["id"] == package["id"]
    assert add(server, release, filename="a.run", status=409)["code"] == "package_exists"
    assert add(server, release, data, filename="b.run", status=409)["code"] == "package_differs"
    assert add(server, release, data, filename="a.run", status=409, **{"class": "licensed"})["code"] == "package_differs"
    assert add(server, release, filename="a.run", platform="linux-arm64", status=409)["code"] == "filename_exists"
    answer = server.admin("DELETE", f"/admin/packages/{package['id']}", status=409)
    assert answer.json["code"] == "release_published"
    # A platform that was missing joins the release and is offered at once.
    assert offered(server, product, platform="linux-arm64") is None
    late = add(server, release, filename="late.run", platform="linux-arm64")
    assert offered(server, product, platform="linux-arm64") == "1.0.0"
    assert check(server, product, platform="linux-arm64")["package"]["id"] == late["id"]


def test_draft_packages_can_go(server, product):
    release = draft(server, product)
    package = add(server, release)
    server.admin("DELETE", f"/admin/packages/{package['id']}", status=204)
    server.admin("GET", f"/admin/packages/{package['id']}", status=404)
    assert act(server, release, "publish", status=409)["code"] == "release_empty"


def test_upload_must_be_finished(server, product):
    release = draft(server, product)
    answer = server.api("POST", "/admin/uploads", token=server.login(), status=201, headers={
        "Tus-Resumable": "1.0.0", "Upload-Length": "100", "Upload-Metadata": "filename YS5ydW4="})
    body = {"upload_id": answer.json["id"], "platform": "linux-amd64"}
    path = f"/admin/releases/{release['id']}/packages"
    assert server.admin("POST", path, body, status=409).json["code"] == "upload_incomplete"
    body["upload_id"] = "upl_nothing"
    assert server.admin("POST", path, body, status=404).json["code"] == "upload_not_found"


def test_platforms_that_cover_others(server, product):
    release = draft(server, product)
    general = add(server, release, platform="linux-any")
    exact = add(server, release, platform="linux-arm64")
    act(server, release, "publish")
    chosen = lambda p: (check(server, product, platform=p)["package"] or {}).get("id")
    assert chosen("linux-amd64") == general["id"] and chosen("linux-any") == general["id"]
    assert chosen("linux-arm64") == exact["id"]
    assert chosen("windows-amd64") is None


def test_blocking(server, product):
    release, package = publish(server, product)
    path = f"/admin/packages/{package['id']}/block"
    server.admin("POST", path, {}, status=400)
    blocked = server.admin("POST", path, {"reason": "malware"}, status=200).json
    assert blocked["blocked"] and blocked["blocked_reason"] == "malware"
    assert offered(server, product) is None
    assert versions(manifest(server, product)) == []
    grant = server.api("POST", "/downloads/token", {"package_id": package["id"]}, status=403)
    assert grant.json["code"] == "package_blocked"
    assert not server.admin("DELETE", path, status=200).json["blocked"]
    assert offered(server, product) == "1.0.0"
    server.api("POST", "/downloads/token", {"package_id": package["id"]}, status=200)


def fetch(server, grant):
    return server.request("GET", grant["url"].removeprefix(server.url)).status


def test_withdrawing_stops_tokens(server, product):
    """A token granted before opens nothing afterwards, unless another release has the same bytes."""
    data = script()
    first, package = publish(server, product, "1.0.0", data=data, filename="one.run")
    second, other = publish(server, product, "1.0.1", data=data, filename="two.run")
    grant = server.api("POST", "/downloads/token", {"package_id": package["id"]}, status=200).json
    assert fetch(server, grant) == 200
    act(server, first, "withdraw", {"reason": "bad"})
    grant2 = server.api("POST", "/downloads/token", {"package_id": other["id"]}, status=200).json
    assert fetch(server, grant2) == 200  # the bytes are still offered by 1.0.1
    act(server, second, "withdraw", {"reason": "bad"})
    assert fetch(server, grant2) in (401, 403, 404, 410)
    server.api("POST", "/downloads/token", {"package_id": other["id"]}, status=403)
    # Offered again by a new release, they may be had again.
    _, third = publish(server, product, "1.0.2", data=data, filename="three.run")
    grant3 = server.api("POST", "/downloads/token", {"package_id": third["id"]}, status=200).json
    assert fetch(server, grant3) == 200


# Requirements -----------------------------------------------------------------------------------

def test_requirements(server, product):
    needed = f"vpn-{next(NAMES)}"
    server.admin("POST", "/admin/products", {"name": needed}, status=201)
    release = draft(server, product)

    def attempt(requires, status):
        return add(server, release, status=status, requires=requires)

    assert attempt([{"product": "nothing", "range": "^1"}], 400)["code"] == "required_product_not_found"
    assert attempt([{"product": needed, "range": "about 1"}], 400)["code"] == "invalid_range"
    assert attempt([{"product": product, "range": "^1"}], 400)["code"] == "requirement_circle"
    assert attempt([{"product": needed, "range": "^1"}, {"product": needed, "range": "^2"}], 400)["code"] == \
        "requirement_twice"
    attempt([{"product": needed}], 400)
    attempt([{"product": needed, "range": "^1", "more": 1}], 400)
    package = attempt([{"product": needed, "range": ">=1.0.0 <2.0.0"}], 201)
    assert package["requires"] == [{"product": needed, "range": ">=1.0.0 <2.0.0"}]
    act(server, release, "publish")
    assert check(server, product)["reason"] == "dependency_unavailable"
    publish(server, needed, "1.2.0")
    answer = check(server, product)
    assert answer["update"] and answer["requires"][0]["product"] == needed
    # The other way round would be a circle.
    back = draft(server, needed, "1.3.0")
    add(server, back, requires=[{"product": product, "range": "*"}])
    assert act(server, back, "publish", status=409)["code"] == "requirement_circle"


# Signatures -------------------------------------------------------------------------------------

@pytest.fixture
def publisher(tmp_path):
    """A key pair of minisign's own making; gives a function that signs bytes."""
    subprocess.run(["minisign", "-G", "-W", "-p", tmp_path / "key.pub", "-s", tmp_path / "key.sec"],
                   check=True, capture_output=True)

    def sign(data, *options):
        (tmp_path / "file").write_bytes(data)
        subprocess.run(["minisign", "-S", *options, "-s", tmp_path / "key.sec", "-m", tmp_path / "file"],
                       check=True, capture_output=True, input=b"\n")
        return (tmp_path / "file.minisig").read_text()

    sign.public = (tmp_path / "key.pub").read_text()
    return sign


def test_signatures(server, product, publisher, tmp_path):
    path = f"/admin/products/{product}/publisher-keys"
    server.admin("POST", path, {"public_key": "nonsense"}, status=400)
    data = script()
    release = draft(server, product)
    assert add(server, release, data, status=400, signature=publisher(data))["code"] == "unknown_publisher_key"
    key = server.admin("POST", path, {"public_key": publisher.public}, status=201).json
    assert key["key_id"] in publisher.public
    assert publisher.public.split()[-1] == key["public_key"]
    assert server.admin("POST", path, {"public_key": key["public_key"]}, status=409)
    assert server.admin("GET", path, status=200).json["items"] == [key]

    assert add(server, release, data, status=400, signature="x")["code"] == "invalid_signature"
    assert add(server, release, data, status=400, signature=publisher(b"other"))["code"] == "signature_mismatch"
    unsigned = add(server, release, data, filename="signed.run")
    assert unsigned["signature"] is None
    assert act(server, release, "publish", status=409)["code"] == "signature_required"
    # The same package again, now signed: it is the same package.
    signature = publisher(data)
    signed = add(server, release, data, filename="signed.run", status=200, signature=signature)
    assert signed["id"] == unsigned["id"]
    assert signed["signature"] == signature and signed["signature_key_id"] == key["key_id"]
    act(server, release, "publish")
    seen = manifest(server, product)["releases"][0]["packages"][0]
    assert seen["signature"] == signature
    # What a client gets verifies with the publisher's own tool.
    (tmp_path / "got").write_bytes(data)
    (tmp_path / "got.minisig").write_text(seen["signature"])
    subprocess.run(["minisign", "-V", "-P", key["public_key"], "-m", tmp_path / "got"], check=True,
                   capture_output=True)
    # A platform that joins later must be signed too.
    assert add(server, release, platform="linux-arm64", status=409)["code"] == "signature_required"
    late = script("late")
    add(server, release, late, platform="linux-arm64", signature=publisher(late))
    server.admin("DELETE", f"{path}/{key['id']}", status=204)
    server.admin("DELETE", f"{path}/{key['id']}", status=404)


def test_legacy_signature(server, product, publisher):
    """minisign's old form is over the file itself and cannot be checked while streaming."""
    server.admin("POST", f"/admin/products/{product}/publisher-keys",
                 {"public_key": publisher.public}, status=201)
    data = script()
    release = draft(server, product)
    answer = add(server, release, data, status=400, signature=publisher(data, "-l"))
    assert answer["code"] == "legacy_signature"


# Manifest and notes -----------------------------------------------------------------------------

def test_manifest(server, product):
    publish(server, product, "1.0.0", ["stable"])
    publish(server, product, "2.0.0-rc.1", ["beta"])
    publish(server, product, "1.10.0", ["stable"], platform="linux-arm64")
    release = draft(server, product, "3.0.0")
    add(server, release)
    assert versions(manifest(server, product)) == ["1.10.0", "1.0.0"]
    assert versions(manifest(server, product, channel="beta")) == ["2.0.0-rc.1", "1.10.0", "1.0.0"]
    assert versions(manifest(server, product, platform="linux-amd64")) == ["1.0.0"]
    assert versions(manifest(server, product, version="1.10.0")) == ["1.10.0"]
    assert versions(manifest(server, product, version="9.9.9")) == []
    # Who may see drafts sees them.
    assert versions(manifest(server, product, token=server.login())) == ["3.0.0", "1.10.0", "1.0.0"]
    first = manifest(server, product, limit=1)
    assert versions(first) == ["1.10.0"] and first["next_cursor"]
    second = manifest(server, product, limit=1, cursor=first["next_cursor"])
    assert versions(second) == ["1.0.0"] and second["next_cursor"] is None
    server.api("GET", "/packages/manifest", status=400)
    server.api("GET", "/packages/manifest?product=nothing", status=404)
    server.api("GET", f"/packages/manifest?product={product}&channel=nightly", status=400)


def test_manifest_shows_what_may_be_had(server, product):
    publish(server, product, "1.0.0")
    publish(server, product, "1.1.0", **{"class": "licensed"})
    mixed = draft(server, product, "1.2.0")
    add(server, mixed, platform="linux-amd64")
    add(server, mixed, platform="linux-arm64", **{"class": "development"})
    act(server, mixed, "publish")
    seen = manifest(server, product)
    assert versions(seen) == ["1.2.0", "1.0.0"]
    assert [p["platform"] for p in seen["releases"][0]["packages"]] == ["linux-amd64"]
    seen = manifest(server, product, token=server.login())
    assert versions(seen) == ["1.2.0", "1.1.0", "1.0.0"] and len(seen["releases"][0]["packages"]) == 2
    # A customer with a licence sees what the licence opens.
    email = f"{product}@example.com"
    server.admin("POST", "/admin/accounts", {"email": email, "role": "user",
                                             "password": "a customers password"}, status=201)
    server.admin("POST", "/admin/licences", {"account": email, "product": product, "entitlements": [],
                                             "max_devices": 0}, status=201)
    customer = server.login(email, "a customers password")
    assert versions(manifest(server, product, token=customer)) == ["1.2.0", "1.1.0", "1.0.0"]
    assert len(manifest(server, product, token=customer)["releases"][0]["packages"]) == 1
    server.api("GET", f"/packages/manifest?product={product}", token="nonsense", status=401)


def test_manifest_etag(server, product):
    release, _ = publish(server, product)
    path = f"/packages/manifest?product={product}"
    answer = server.api("GET", path, status=200)
    tag = answer.headers["ETag"]
    assert tag == f'"{hashlib.sha256(answer.body).hexdigest()}"'
    for header in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = server.api("GET", path, headers={"If-None-Match": header}, status=304)
        assert again.body == b"" and again.headers["ETag"] == tag
    server.api("GET", path, headers={"If-None-Match": '"other"'}, status=200)
    server.admin("PATCH", f"/admin/releases/{release['id']}", {"critical": True}, status=200)
    server.api("GET", path, headers={"If-None-Match": tag}, status=200)


def test_notes(server, product):
    release = draft(server, product, notes="# 1.0.0\n\n* <b>new</b> & improved\n")
    path = f"/releases/{release['id']}/notes"
    add(server, release)
    assert release["notes_url"] == f"/api/v1{path}"
    server.api("GET", path, status=404)  # a draft
    answer = server.api("GET", path, token=server.login(), status=200)
    assert answer.body.decode() == "# 1.0.0\n\n* <b>new</b> & improved\n"
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    act(server, release, "publish")
    assert server.api("GET", path, status=200).headers["X-Content-Type-Options"] == "nosniff"
    assert check(server, product)["notes_url"].endswith(path)
    licensed = draft(server, product, "1.1.0", notes="secret")
    add(server, licensed, **{"class": "licensed"})
    act(server, licensed, "publish")
    server.api("GET", f"/releases/{licensed['id']}/notes", status=404)
    server.api("GET", "/releases/rel_nothing/notes", status=404)


def test_lists_page(server, product):
    made = [draft(server, product, f"1.{i}.0")["id"] for i in range(5)]
    seen, cursor = [], ""
    while True:
        page = server.admin("GET", f"/admin/releases?product={product}&limit=2&cursor={cursor}",
                            status=200).json
        seen += [r["id"] for r in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == made
    release = server.admin("GET", f"/admin/releases?product={product}&version=1.3.0", status=200).json
    assert [r["version"] for r in release["items"]] == ["1.3.0"]
    release = release["items"][0]
    packages = [add(server, release, platform=p)["id"] for p in ("linux-amd64", "linux-arm64", "linux-386")]
    listed = server.admin("GET", f"/admin/packages?release={release['id']}&limit=2", status=200).json
    assert [p["id"] for p in listed["items"]] == packages[:2] and listed["next_cursor"]
    server.admin("GET", "/admin/releases?limit=0", status=400)
    server.admin("GET", "/admin/releases?limit=201", status=400)
    server.admin("GET", "/admin/releases?state=lost", status=400)


# Countries --------------------------------------------------------------------------------------

def test_countries_reach_releases(server, product):
    """An unknown country is denied where there is a list; the change reaches every release."""
    publish(server, product)
    assert offered(server, product) == "1.0.0"
    server.admin("PATCH", f"/admin/products/{product}", {"countries_allowed": ["DE"]}, status=200)
    assert offered(server, product) is None
    assert versions(manifest(server, product)) == []
    server.admin("PATCH", f"/admin/products/{product}", {"countries_allowed": []}, status=200)
    assert offered(server, product) == "1.0.0"


# What is stored ---------------------------------------------------------------------------------

def test_scrubber(server, product):
    data = script("stored")
    sha256 = hashlib.sha256(data).hexdigest()
    _, package = publish(server, product, data=data)
    report = server.admin("POST", "/admin/scrub", status=202).json
    assert report["blobs"] > 0 and report["due"] > 0
    done = lambda: server.admin("GET", "/admin/scrub", status=200).json["due"] == 0
    slipway.wait_until(done, "everything to be checked", 30)
    assert offered(server, product) == "1.0.0"
    blob = server.data / "blobs" / sha256[:2] / sha256[2:4] / sha256
    blob.chmod(0o600)
    blob.write_bytes(data[:-2] + b"X\n")
    server.admin("POST", "/admin/scrub", status=202)
    slipway.wait_until(lambda: server.admin("GET", "/admin/scrub", status=200).json["damaged"] == 1,
                       "the damage to be found", 30)
    slipway.wait_until(done, "everything to be checked", 30)
    slipway.wait_until((server.data / "quarantine" / sha256).exists, "it to be moved aside")
    assert not blob.exists()
    assert offered(server, product) is None
    shown = server.admin("GET", f"/admin/packages/{package['id']}", status=200).json
    assert shown["blocked"] and shown["blocked_reason"] == "damaged"
    slipway.wait_until(lambda: "stored file is damaged" in server.log.read_text(), "the log to say so")
    # The right bytes again heal it.
    upload(server, data)
    assert blob.read_bytes() == data
    assert offered(server, product) == "1.0.0"
    assert server.admin("GET", "/admin/scrub", status=200).json["damaged"] == 0


def test_nobody_else(server, product):
    """Each route of administration refuses who has no permission."""
    release, package = publish(server, product)
    routes = [("GET", "/admin/products"), ("POST", "/admin/products"),
              ("PATCH", f"/admin/products/{product}"), ("GET", "/admin/releases"),
              ("POST", "/admin/releases"), ("PATCH", f"/admin/releases/{release['id']}"),
              ("POST", f"/admin/releases/{release['id']}/publish"),
              ("POST", f"/admin/releases/{release['id']}/withdraw"),
              ("POST", f"/admin/releases/{release['id']}/packages"),
              ("GET", "/admin/packages"), ("DELETE", f"/admin/packages/{package['id']}"),
              ("POST", f"/admin/packages/{package['id']}/block"), ("POST", "/admin/scrub")]
    server.admin("POST", "/admin/accounts", {"email": f"{product}@example.com", "role": "user",
                                             "password": "a users long password"}, status=201)
    user = server.login(f"{product}@example.com", "a users long password")
    for method, path in routes:
        server.api(method, path, {} if method != "GET" else None, status=401)
        if path == "/admin/products" and method == "GET":
            continue  # the names of products are no secret from customers
        server.api(method, path, {} if method != "GET" else None, token=user, status=403)


# Real packages ----------------------------------------------------------------------------------

@pytest.mark.parametrize("compression", ["none", "gzip", "xz", "zstd"])
def test_real_deb(server, tmp_path, compression):
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True, mode=0o755)
    (tree / "DEBIAN" / "control").write_text(
        "Package: real\nVersion: 3:4.5.6~rc1-7\nArchitecture: armhf\nMaintainer: E <e@example.com>\n"
        "Description: real\n")
    done = subprocess.run(["dpkg-deb", "--root-owner-group", f"-Z{compression}", "-b", tree,
                           tmp_path / "a.deb"], capture_output=True)
    if done.returncode:
        pytest.skip(f"dpkg-deb does not write {compression}")
    found = upload(server, (tmp_path / "a.deb").read_bytes(), "a.deb")
    assert (found["format"], found["name"], found["version"], found["architecture"]) == \
        ("deb", "real", "3:4.5.6~rc1-7", "armhf")


def test_real_rpm(server, product, tmp_path):
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    spec = tmp_path / "real.spec"
    spec.write_text("Name: real\nVersion: 1.2.3\nRelease: 4\nSummary: real\nLicense: none\n"
                    "BuildArch: noarch\n%description\nreal\n%files\n")
    subprocess.run(["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {tmp_path}", "--define",
                    f"_rpmdir {tmp_path}", spec], check=True, capture_output=True)
    rpm = next(tmp_path.rglob("*.rpm")).read_bytes()
    found = upload(server, rpm, "real.rpm")
    assert (found["format"], found["name"], found["version"], found["architecture"]) == \
        ("rpm", "real", "1.2.3", "any")
    release = draft(server, product, "1.2.3")
    assert add(server, release, rpm, platform="linux-amd64", status=400)["code"] == "architecture_mismatch"
    assert add(server, release, rpm, platform="linux-any", strict=True)["warnings"] == []


# At the same time -------------------------------------------------------------------------------

def together(count, step):
    """Runs step(i) in threads at once; gives what they returned."""
    answers, start = [None] * count, threading.Barrier(count)

    def run(i):
        start.wait(20)
        answers[i] = step(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_one_of_many_drafts(server, product):
    token = server.login()
    body = {"product": product, "version": "1.0.0", "channels": ["stable"]}
    answers = together(16, lambda i: server.api("POST", "/admin/releases", body, token=token))
    assert sorted(a.status for a in answers) == [200] * 15 + [201]
    assert len({a.json["id"] for a in answers}) == 1


def test_one_of_many_packages(server, product):
    """Different bytes for one version and platform: one wins, the others are told."""
    release, token = draft(server, product), server.login()
    uploads = [upload(server, script())["id"] for _ in range(12)]
    answers = together(12, lambda i: server.api(
        "POST", f"/admin/releases/{release['id']}/packages",
        {"upload_id": uploads[i], "platform": "linux-amd64"}, token=token))
    assert sorted(a.status for a in answers) == [201] + [409] * 11
    listed = server.admin("GET", f"/admin/packages?release={release['id']}", status=200).json["items"]
    assert [p["id"] for p in listed] == [a.json["id"] for a in answers if a.status == 201]


def test_moves_at_the_same_time(server, product):
    """Whatever the order, the state that is stored is the state that is published."""
    release, _ = publish(server, product)
    token = server.login()
    verbs = ["pause", "resume", "pause", "resume", "publish", "pause"]
    together(6, lambda i: server.api("POST", f"/admin/releases/{release['id']}/{verbs[i]}", token=token))
    state = server.admin("GET", f"/admin/releases/{release['id']}", status=200).json["state"]
    assert offered(server, product) == ("1.0.0" if state == "published" else None)
