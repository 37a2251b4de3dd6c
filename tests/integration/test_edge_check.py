"""Update checks answered by nginx from the published state."""
import json
import re
import subprocess
import time
from urllib.parse import quote

import pytest

from edge import ISSUER, Edge
from slipway import wait_until

CHECK = "/api/v1/updates/check"
BASE = "product=vpn&version=1.0.0&platform=linux-x86_64"
MEMBERS = {"update", "reason", "policy", "channel", "version", "release_id", "critical", "mandatory",
           "notes_url", "package", "delta", "eol", "requires", "next_check_seconds"}

PUBLISHED, PAUSED, WITHDRAWN = 1, 2, 3  # enum release_state


@pytest.fixture(scope="module")
def edge():
    running = Edge()
    try:
        running.product()
        running.apply(
            running.release("1.0.0"),
            running.release("1.1.0", critical=True, mandatory=True, notes_url="https://e.org/n",
                            eol_us=1893456000000000),
            running.release("2.0.0-beta.1", channel=1),
            running.release("1.1.0", channel=1))
        yield running.start()
    finally:
        running.close()


def assert_problem(answer, status, code):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    problem = answer.json
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id"}
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:slipway:problem:{code}"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="slipway"')
    return problem


# what is wrong with a request


@pytest.mark.parametrize("query,named", [
    ("", "product"),
    ("version=1.0.0&platform=linux-x86_64", "product"),
    ("product=&version=1.0.0&platform=linux-x86_64", "product"),
    ("product=" + "p" * 129 + "&version=1.0.0&platform=linux-x86_64", "product"),
    ("product=%ff&version=1.0.0&platform=linux-x86_64", "product"),
    ("product=a%00b&version=1.0.0&platform=linux-x86_64", "product"),
    ("product=%zz&version=1.0.0&platform=linux-x86_64", "product"),
    ("product=vpn&platform=linux-x86_64", "version"),
    ("product=vpn&version=&platform=linux-x86_64", "version"),
    ("product=vpn&version=v1.0.0&platform=linux-x86_64", "version"),
    ("product=vpn&version=1.0&platform=linux-x86_64", "version"),
    ("product=vpn&version=01.0.0&platform=linux-x86_64", "version"),
    ("product=vpn&version=1.0.0-" + "9" * 200 + "&platform=linux-x86_64", "version"),
    ("product=vpn&version=1.0.0", "platform"),
    ("product=vpn&version=1.0.0&platform=linux", "platform"),
    ("product=vpn&version=1.0.0&platform=-x86_64", "platform"),
    ("product=vpn&version=1.0.0&platform=linux-", "platform"),
    ("product=vpn&version=1.0.0&platform=Linux-x86_64", "platform"),
    ("product=vpn&version=1.0.0&platform=linux-x86%2F64", "platform"),
    (BASE + "&channel=nightly", "channel"),
    (BASE + "&channel=", "channel"),
    (BASE + "&format=../deb", "format"),
    (BASE + "&cohort=65536", "cohort"),
    (BASE + "&cohort=-1", "cohort"),
    (BASE + "&cohort=1e3", "cohort"),
    (BASE + "&last_counted=year", "last_counted"),
    (BASE + "&os_version=10.x", "os_version"),
    (BASE + "&pin=banana", "pin"),
    (BASE + "&manual=perhaps", "manual"),
    (BASE + "&product=other", "product"),
    (BASE + "&channel=beta&channel=dev", "channel"),
])
def test_invalid_parameter_is_named(edge, query, named):
    problem = assert_problem(edge.check(query), 400, "invalid")
    assert problem["detail"].startswith(f"{named}:"), problem


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_other_methods(edge, method):
    answer = edge.get(f"{CHECK}?{BASE}", method=method)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_unknown_product(edge):
    assert_problem(edge.check(BASE.replace("vpn", "unheard-of")), 404, "not_found")
    assert edge.fact(product="unheard-of")["reason"] == "unknown_product"


# answers


def test_update_available(edge):
    answer = edge.check()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    body = answer.json
    assert set(body) == MEMBERS
    package = edge.package("vpn_1.1.0.deb")
    assert body["package"] == {"id": package["id"], "filename": "vpn_1.1.0.deb", "size": 1000,
                               "sha256": package["sha256"], "format": "deb", "class": "public"}
    assert body | {"package": None, "next_check_seconds": 0} == {
        "update": True, "reason": "update_available", "policy": None, "channel": "stable",
        "version": "1.1.0", "release_id": "rel_vpn_1.1.0", "critical": True, "mandatory": True,
        "notes_url": "https://e.org/n", "package": None, "delta": None,
        "eol": "2030-01-01T00:00:00Z", "requires": [], "next_check_seconds": 0}


@pytest.mark.parametrize("query,reason,version", [
    (BASE.replace("1.0.0", "1.1.0"), "up_to_date", None),
    (BASE.replace("1.0.0", "9.0.0"), "up_to_date", None),
    (BASE + "&channel=beta", "update_available", "2.0.0-beta.1"),
    (BASE + "&channel=beta&pin=1.x", "update_available", "1.1.0"),
    (BASE + "&channel=beta&pin=%3E%3D1.0.0+%3C2", "update_available", "1.1.0"),
    (BASE + "&channel=dev", "no_release_in_channel", None),
    (BASE.replace("linux", "windows"), "no_release_in_channel", None),
    (BASE + "&format=rpm", "no_package_in_format", None),
    (BASE + "&format=deb", "update_available", "1.1.0"),
    (BASE.replace("1.0.0", "1.0.0%2Bbuild.5"), "update_available", "1.1.0"),
    (BASE.replace("1.0.0", "1.0.0+build.5"), "update_available", "1.1.0"),
    (BASE.replace("vpn", "%76pn"), "update_available", "1.1.0"),
    (BASE + "&unknown=1&also&=x&manual=true&cohort=7&os_version=12.1&last_counted=week",
     "update_available", "1.1.0"),
    ("&&" + BASE + "&", "update_available", "1.1.0"),
])
def test_reasons(edge, query, reason, version):
    answer = edge.check(query)
    assert answer.status == 200, answer
    assert set(answer.json) == MEMBERS
    assert (answer.json["reason"], answer.json["version"]) == (reason, version)
    assert answer.json["update"] is (version is not None)
    if not version:
        assert answer.json["package"] is None and answer.json["release_id"] is None


def test_head(edge):
    whole, head = edge.check(), edge.get(f"{CHECK}?{BASE}", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


def test_http2(edge):
    done = edge.curl("--http2", "-w", "%{http_version} %{http_code}", "-o", "/dev/null",
                     f"https://127.0.0.1:{edge.tls_port}{CHECK}?{BASE}")
    assert done.stdout == b"2 200", done


def test_next_check_is_spread_and_steady(edge):
    def seconds(cohort):
        return edge.check(f"{BASE}&cohort={cohort}").json["next_check_seconds"]
    all_seconds = {cohort: seconds(cohort) for cohort in range(0, 65536, 1500)}
    assert all(3240 <= s <= 3960 for s in all_seconds.values())
    assert len(set(all_seconds.values())) > 30
    assert all(seconds(cohort) == all_seconds[cohort] for cohort in (0, 30000, 64500))


def test_traceparent_is_the_request_id(edge):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    good = edge.check(headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert good.headers["X-Request-Id"] == trace
    for bad in ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", "00-" + trace.upper() + "-00f067aa0ba902b7-01",
                f"ff-{trace}-00f067aa0ba902b7-01", f"00-{trace}", "x" * 55, '"\r'[:1] * 60):
        answer = edge.check(headers={"traceparent": bad})
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
        assert answer.headers["X-Request-Id"] != trace


def test_log_line(edge):
    edge.check(BASE + "&last_counted=week", headers={"traceparent": "00-" + "a1" * 16 + "-" + "b" * 16 + "-00"})
    line = edge.fact(id="a1" * 16)
    assert line | {"time_us": "", "uri": "", "sent": 0} == {
        "kind": "check", "verdict": "none", "reason": "update_available", "status": 200, "subject": "",
        "jti": "", "device": "", "download": "", "package": "pkg_vpn_1.1.0.deb", "product": "vpn",
        "platform": "linux-x86_64", "channel": "stable", "installed": "1.0.0", "offered": "1.1.0",
        "counted": "week", "range": "", "size": "", "sent": 0, "complete": "OK", "time_us": "",
        "id": "a1" * 16, "uri": ""}
    assert abs(int(line["time_us"]) / 1e6 - time.time()) < 60


# who asks


def test_tokens_that_are_good(edge):
    for token in (edge.token("device"), edge.token("access")):
        for _ in range(2):  # verified, then remembered
            answer = edge.check(token=token)
            assert answer.status == 200 and answer.json["update"] is True
    assert edge.check(headers={"Authorization": f"bearer  {token} "}).status == 200
    assert edge.check(f"{BASE}&token={token}").status == 200


def refusals(edge):
    now = int(time.time())
    device = edge.token("device")
    head, payload, signature = device.split(".")
    other = "A" if signature[10] != "A" else "B"
    return {
        "wrong_token_kind": edge.token("download", digest="0" * 64, filename="f"),
        "token_expired": edge.token("device", iat=now - 900, exp=now - 31),
        "token_not_yet_valid": edge.token("device", nbf=now + 600),
        "wrong_audience": edge.token("device", aud="https://elsewhere.example"),
        "invalid_token": [
            f"{head}.{payload}.{signature[:10]}{other}{signature[11:]}",
            f"{head}.{payload}.", f"{head}.{payload}", device + "A", device[:-1], "nonsense",
            "a.b.c", "x" * 5000, f"{head}.{payload}.{signature}.{signature}",
            edge.token("device", key=edge.key("access")),
            edge.token("device", key=edge.key("download")),
            edge.token("device", kid="device-2"),
        ],
    }


def test_tokens_that_are_not(edge):
    for code, tokens in refusals(edge).items():
        for token in tokens if isinstance(tokens, list) else [tokens]:
            for _ in range(2):
                assert_problem(edge.check(token=token), 401, code)


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearertoken", "token"])
def test_other_credentials_are_not_anonymous(edge, header):
    assert_problem(edge.check(headers={"Authorization": header}), 401, "invalid_token")


def test_two_tokens(edge):
    one, two = edge.token("device"), edge.token("device")
    assert edge.check(f"{BASE}&token={one}", token=one).status == 200
    assert_problem(edge.check(f"{BASE}&token={one}", token=two), 400, "several_tokens")
    assert_problem(edge.check(f"{BASE}&token={one}&token={two}"), 400, "several_tokens")


def test_token_over_plaintext(edge):
    token = edge.token("device")
    assert_problem(edge.check(token=token, port=edge.plain_port), 403, "plaintext_refused")
    assert_problem(edge.check(f"{BASE}&token={token}", port=edge.plain_port), 403, "plaintext_refused")
    assert edge.check(port=edge.plain_port).status == 200


def test_wrong_issuer(edge):
    token = edge.token("device", iss=ISSUER + ".evil.example")
    assert_problem(edge.check(token=token), 401, "wrong_audience")


def test_revocation_is_seen_at_once(edge):
    for kind in ("device", "access"):
        token = edge.token(kind, jti=f"revoke-{kind}")
        for _ in range(2):
            assert edge.check(token=token).status == 200
        edge.apply({"type": "revoked", "jti": f"revoke-{kind}", "expires": 0})
        assert_problem(edge.check(token=token), 401, "token_revoked")
        assert edge.check(token=edge.token(kind)).status == 200


def test_access_tokens_die_with_their_session(edge):
    token = edge.token("access", session="ses_ends")
    for _ in range(2):
        assert edge.check(token=token).status == 200
    edge.apply({"type": "revoked", "jti": "ses_ends", "expires": 0})
    assert_problem(edge.check(token=token), 401, "token_revoked")
    assert edge.check(token=edge.token("access", session="ses_lives")).status == 200


def test_stale_credentials_are_told(edge):
    token = edge.token("device", sub="dev_stale", device="dev_stale", subject_epoch=4)
    assert edge.check(token=token).json["update"] is True
    edge.apply({"type": "epoch", "subject": "dev_stale", "epoch": 4})
    assert edge.check(token=token).json["update"] is True
    edge.apply({"type": "epoch", "subject": "dev_stale", "epoch": 5})
    answer = edge.check(token=token)
    assert answer.status == 200
    assert (answer.json["update"], answer.json["reason"]) == (False, "credentials_stale")
    assert answer.json["package"] is None
    renewed = edge.token("device", sub="dev_stale", device="dev_stale", subject_epoch=5)
    assert edge.check(token=renewed).json["update"] is True
    assert edge.fact(reason="credentials_stale")["verdict"] == "stale"


def test_global_epoch_and_damaged_epoch(edge):
    token = edge.token("device", global_epoch=1)
    try:
        edge.apply({"type": "global_epoch", "epoch": 1})
        assert edge.check(token=token).json["reason"] == "update_available"
        edge.apply({"type": "global_epoch", "epoch": 2})
        assert edge.check(token=token).json["reason"] == "credentials_stale"
        edge.apply({"type": "global_epoch", "raw": "damaged"})
        assert edge.check(token=token).json["reason"] == "credentials_stale"
    finally:
        edge.apply({"type": "global_epoch", "deleted": True})


def test_key_taken_away(edge, tmp_path):
    subprocess.run([edge_tool(), "key", tmp_path / "k2.pem"], check=True)
    subprocess.run([edge_tool(), "key", tmp_path / "k3.pem"], check=True)
    key = {"type": "key", "kind": "device", "kid": "device-x", "pem": str(tmp_path / "k2.pem")}
    token = edge.token("device", key=tmp_path / "k2.pem", kid="device-x")
    assert_problem(edge.check(token=token), 401, "invalid_token")
    edge.apply(key)
    for _ in range(2):
        assert edge.check(token=token).status == 200
    edge.apply(key | {"pem": str(tmp_path / "k3.pem")})  # another key under the same name
    assert_problem(edge.check(token=token), 401, "invalid_token")
    edge.apply(key)
    assert edge.check(token=token).status == 200
    edge.apply(key | {"deleted": True})
    assert_problem(edge.check(token=token), 401, "invalid_token")


def edge_tool():
    from edge import TOOL
    return TOOL


# what the caller may see


def test_denied_packages_are_never_described(edge):
    edge.product("secret")
    packages = [edge.package(f"hidden-{c}.deb", **{"class": c}, org="org_1") for c in (1, 2, 3)]
    edge.apply(edge.release("3.0.0", product="secret", packages=packages),
               edge.release("1.0.0", product="secret"))
    query = BASE.replace("vpn", "secret")
    for token, policy in ((None, "authentication_required"), (edge.token("device"), "licence_required")):
        answer = edge.check(query, token=token)
        assert answer.json["reason"] == "not_entitled"
        assert answer.json["policy"] == policy
        for hidden in ("hidden", "3.0.0", "rel_secret", *(p["sha256"] for p in packages)):
            assert hidden not in answer.body.decode()
    # A licence for another product, or for none, is none.
    for product in ("prd_vpn", "prd_secret2", ""):
        answer = edge.check(query, token=edge.token("device", licence="lic_1", product=product,
                                                    entitlements="pro"))
        assert answer.json["policy"] == "licence_required" and not answer.json["update"], product
    licensed = edge.token("device", licence="lic_1", product="prd_secret", entitlements="pro")
    for _ in range(2):  # fresh, and from the cache of verified tokens
        answer = edge.check(query, token=licensed)
        assert answer.json["package"]["filename"] == "hidden-1.deb"
    assert edge.check(query, token=edge.token("device", org="org_1")).json["package"][
        "filename"] == "hidden-2.deb"
    staff = edge.token("access", permissions="package.read.development")
    assert edge.check(query, token=staff).json["package"]["class"] == "development"


def test_blocked_packages(edge):
    edge.product("blocked")
    good, bad = edge.package("good.deb"), edge.package("bad.deb")
    edge.apply(edge.release("2.0.0", product="blocked", packages=[bad, good]))
    query = BASE.replace("vpn", "blocked")
    assert edge.check(query).json["package"]["filename"] == "bad.deb"
    edge.apply({"type": "blocked", "sha256": bad["sha256"], "reason": "recalled"})
    answer = edge.check(query)
    assert answer.json["package"]["filename"] == "good.deb"
    assert bad["sha256"] not in answer.body.decode()
    edge.apply({"type": "blocked", "sha256": good["sha256"], "reason": "recalled"})
    assert edge.check(query).json["update"] is False


def test_countries(edge):
    edge.product("abroad", denied="KP")
    edge.product("release-abroad")
    edge.apply(edge.release("2.0.0", product="abroad"),
               edge.release("2.0.0", product="release-abroad", allowed="DE FR"))
    def reason(product, country):
        headers = {"X-Country": country} if country else {}
        body = edge.check(BASE.replace("vpn", product), headers=headers).json
        return body["reason"], body["policy"]
    allowed, denied = ("update_available", None), ("not_entitled", "country_restricted")
    assert reason("abroad", "DE") == allowed
    assert reason("abroad", "KP") == denied
    assert reason("abroad", None) == denied
    assert reason("release-abroad", "FR") == allowed
    assert reason("release-abroad", "US") == denied


def test_rollout(edge):
    edge.product("gradual")
    edge.apply(edge.release("2.0.0", product="gradual", rollout_seed="s1", rollout_reach=16384),
               edge.release("1.5.0", product="gradual"))
    def got(more, token=None):
        return edge.check(BASE.replace("vpn", "gradual") + more, token=token).json["version"]
    versions = [got(f"&cohort={c}") for c in range(0, 65536, 512)]
    assert set(versions) == {"2.0.0", "1.5.0"}
    assert 16 <= versions.count("2.0.0") <= 48  # a quarter of 128, sticky by hash
    assert got("") == "1.5.0"
    assert got("&manual=true") == "2.0.0"
    devices = [edge.token("device", sub=f"dev_{i}", device=f"dev_{i}") for i in range(12)]
    first = [got("", d) for d in devices]
    # the device of the token decides, not what the client draws
    assert [got("&cohort=1", d) for d in devices] == first
    assert len(set(first)) == 2


def test_dependencies(edge):
    edge.product("app")
    edge.product("driver")
    edge.apply(edge.release("2.0.0", product="app", requires=[{"product": "driver", "range": "^1.2"}]))
    query = BASE.replace("vpn", "app")
    assert edge.check(query).json["reason"] == "dependency_unavailable"
    edge.apply(edge.release("2.0.0", product="driver"), edge.release("1.3.0", product="driver"),
               edge.release("1.4.0", product="driver"), edge.release("1.1.0", product="driver"))
    answer = edge.check(query).json
    assert answer["requires"] == [{"product": "driver", "range": "^1.2", "version": "1.4.0",
                                   "release_id": "rel_driver_1.4.0",
                                   "package_id": "pkg_driver_1.4.0.deb"}]
    edge.apply({"type": "blocked", "sha256": edge.package("driver_1.4.0.deb")["sha256"], "reason": ""})
    assert edge.check(query).json["reason"] == "dependency_unavailable"


def test_damaged_record_is_passed_over(edge):
    edge.product("worn")
    edge.apply(edge.release("3.0.0", product="worn") | {"raw": "damaged"},
               edge.release("2.0.0", product="worn"))
    assert edge.check(BASE.replace("vpn", "worn")).json["version"] == "2.0.0"
    edge.apply({"type": "product", "name": "torn", "raw": "damaged"})
    assert_problem(edge.check(BASE.replace("vpn", "torn")), 404, "not_found")


def test_text_from_the_catalogue_is_json(edge):
    edge.product("quoted")
    name = 'a "b" \\ ü.deb'
    edge.apply(edge.release("2.0.0", product="quoted", packages=[edge.package(name)]))
    assert edge.check(BASE.replace("vpn", "quoted")).json["package"]["filename"] == name
    edge.product("a&b=c d/é")
    edge.apply(edge.release("2.0.0", product="a&b=c d/é"))
    answer = edge.check(BASE.replace("vpn", quote("a&b=c d/é", safe="")))
    assert json.loads(answer.body)["version"] == "2.0.0"


# answers that were given before


def asked(edge, product, more="", token=None, version="1.0.0", **headers):
    """The same question three times: the later answers may come from memory."""
    query = f"product={product}&version={version}&platform=linux-x86_64{more}"
    bodies = [edge.check(query, token=token, headers=headers).json for _ in range(3)]
    assert bodies[0] == bodies[1] == bodies[2]
    return bodies[0]


def test_every_change_is_in_the_next_answer(edge):
    edge.product("changing")
    two, three = edge.package("two.deb"), edge.package("three.deb")

    def release(version, package, state=PUBLISHED):
        return edge.release(version, product="changing", packages=[package], state=state)

    def offered():
        return asked(edge, "changing")["version"]
    assert asked(edge, "changing")["reason"] == "no_release_in_channel"
    edge.apply(release("2.0.0", two))
    assert offered() == "2.0.0"
    blocked = {"type": "blocked", "sha256": three["sha256"], "reason": "recall"}
    for change, version in ((release("3.0.0", three), "3.0.0"),
                            (release("3.0.0", three, PAUSED), "2.0.0"),
                            (release("3.0.0", three), "3.0.0"),
                            (blocked, "2.0.0"),
                            (blocked | {"deleted": True}, "3.0.0"),
                            (release("3.0.0", three, WITHDRAWN), "2.0.0")):
        edge.apply(change)
        assert offered() == version, change
    edge.product("changing", denied="KP")
    assert asked(edge, "changing", **{"X-Country": "KP"})["policy"] == "country_restricted"
    assert asked(edge, "changing", **{"X-Country": "DE"})["version"] == "2.0.0"
    edge.apply({"type": "product", "name": "changing", "deleted": True})
    assert_problem(edge.check(BASE.replace("vpn", "changing")), 404, "not_found")


def test_answers_are_for_one_question(edge):
    """All that a choice may depend on keeps answers apart."""
    edge.product("question")
    deb, pro = edge.package("q.deb", min_os_version="11"), edge.package(
        "q-pro.deb", entitlement="pro", **{"class": 1})
    org = edge.package("q-org.deb", **{"class": 2}, org="org_7")
    edge.apply(edge.release("2.0.0", product="question", packages=[deb]),
               edge.release("2.1.0", product="question", packages=[pro]),
               edge.release("2.2.0", product="question", packages=[org]),
               edge.release("3.0.0", product="question", channel=1, packages=[deb]),
               edge.release("4.0.0", product="question", platform="linux-arm64", packages=[deb]))

    def device(product, entitlements="pro"):
        return edge.token("device", licence="lic_1", product=product, entitlements=entitlements)
    expected = [
        ({}, "2.0.0"), ({"more": "&channel=beta"}, "3.0.0"), ({"more": "&format=deb"}, "2.0.0"),
        ({"more": "&format=rpm"}, None), ({"more": "&os_version=10"}, None),
        ({"more": "&os_version=11"}, "2.0.0"), ({"more": "&pin=1.x"}, None),
        ({"version": "2.0.0"}, None), ({"version": "1.9.0"}, "2.0.0"),
        ({"token": device("prd_question")}, "2.1.0"), ({"token": device("prd_other")}, "2.0.0"),
        ({"token": device("prd_question", "basic")}, "2.0.0"),
        ({"token": edge.token("device")}, "2.0.0"),
        ({"token": edge.token("device", org="org_7")}, "2.2.0"),
        ({"token": edge.token("device", org="org_8")}, "2.0.0"),
        ({"token": edge.token("access")}, "2.0.0")]
    for _ in range(2):
        for question, version in expected:
            assert asked(edge, "question", **question)["version"] == version, question
    arm = edge.check("product=question&version=1.0.0&platform=linux-arm64")
    assert arm.json["version"] == "4.0.0"


def test_each_token_counts_although_the_answer_is_known(edge):
    """Devices of one licence ask the same question; each token is judged by itself."""
    edge.product("known")
    edge.apply(edge.release("2.0.0", product="known",
                            packages=[edge.package("known.deb", **{"class": 1})]))
    query = BASE.replace("vpn", "known")

    def device(n, **more):
        return edge.token("device", sub=f"dev_k{n}", device=f"dev_k{n}", jti=f"jti_k{n}",
                          licence="lic_1", product="prd_known", entitlements="pro", **({"subject_epoch": 1} | more))

    def is_offered(token):
        return edge.check(query, token=token).json["version"] == "2.0.0"
    good, revoked, removed, other = tokens = [device(n) for n in range(4)]
    assert all(is_offered(token) for token in tokens * 3)
    edge.apply({"type": "revoked", "jti": "jti_k1", "expires": 0})
    assert_problem(edge.check(query, token=revoked), 401, "token_revoked")
    edge.apply({"type": "epoch", "subject": "dev_k2", "epoch": 2})  # the device was removed
    assert edge.check(query, token=removed).json["reason"] == "credentials_stale"
    assert_problem(edge.check(query, token=revoked), 401, "token_revoked")
    assert is_offered(good) and is_offered(other)
    now = int(time.time())
    for token, code in ((device(4, exp=now - 31, iat=now - 900), "token_expired"),
                        (device(5, aud="https://elsewhere.example"), "wrong_audience")):
        assert_problem(edge.check(query, token=token), 401, code)
    edge.apply({"type": "revoked", "jti": "jti_k1", "deleted": True})
    assert is_offered(revoked)


def test_forgeries_of_a_known_token(edge):
    good, other = edge.token("device"), edge.token("device", sub="dev_2", device="dev_2")
    assert [edge.check(token=token).status for token in (good, other) * 2] == [200] * 4
    head, claims, signature = good.split(".")
    for forged in (f"{head}.{claims}.{other.split('.')[2]}", f"{head}.{other.split('.')[1]}.{signature}",
                   f"{head}.{claims}.{'A' * len(signature)}", f"{head}.{claims}.{signature[:-1]}",
                   f"{head}.{claims}.A{signature[1:]}", f"{head}.{claims}.", f"{head}.{signature}"):
        assert_problem(edge.check(token=forged), 401, "invalid_token")
    assert edge.check(token=good).status == 200


def test_known_token_expires(edge):
    now = int(time.time())
    token = edge.token("device", iat=now - 900, exp=now - 28)  # within the leeway of 30 s
    assert edge.check(token=token).status == 200
    answer = wait_until(lambda: (a := edge.check(token=token)).status != 200 and a, "expiry")
    assert_problem(answer, 401, "token_expired")


def test_more_questions_than_places(edge):
    edge.product("many")
    edge.apply(edge.release("2.0.0", product="many"))
    for _ in range(2):
        for n in range(700):
            for major, version in ((1, "2.0.0"), (3, None)):
                answer = edge.check(f"product=many&version={major}.{n}.0&platform=linux-x86_64")
                assert answer.json["version"] == version
