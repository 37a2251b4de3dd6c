"""What holds for every route: generated from the OpenAPI document, which the server generates from
its route table. A new route is covered here by existing."""
import concurrent.futures
import contextlib
import json
import pathlib
import re
import select
import socket
import time

import pytest

import callers
import ci
import control


@pytest.fixture(scope="module")
def plane(database):
    running = control.Control(database, ["login.attempts=1000", "net.allow_insecure_loopback=true"])
    provider = ci.Issuer()
    try:
        running.start()
        running.admin = running.administrator()
        running.document = running.api("GET", "/openapi.json", status=200)
        running.provider = provider
        running.workload = ci.trust(running, provider, running.admin, permissions=["release.write"])
        yield running
    finally:
        running.close()
        provider.close()


def operations(plane):
    for path, item in plane.document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def concrete(path):
    """A path that fits the template and names nothing that exists."""
    return re.sub(r"\{(\w+)\}", lambda m: f"none-{m.group(1)}", path)


def send(plane, method, path, **more):
    """A request without a body; query parameters are left out."""
    return plane.request(method, concrete(path), **more)


def code_of(answer, operation):
    """Why a request failed, in the words of problem documents; those of RFC 6749 where it speaks OAuth."""
    if "application/x-www-form-urlencoded" not in operation.get("requestBody", {}).get("content", {}):
        return control.check_problem(answer)["code"]
    assert answer.headers["Content-Type"] == "application/json" and set(answer.json) <= {
        "error", "error_description"}, answer
    assert answer.status != 401 or answer.headers["WWW-Authenticate"].startswith("Bearer")
    same = {"insufficient_scope": "permission_missing", "invalid_token": "authentication_required"}
    return same.get(answer.json["error"], answer.json["error"])


def tokens_that_must_fail(plane):
    now = int(time.time())
    good = control.claims_of(plane.admin)
    access = plane.admin
    head, body, signature = access.split(".")
    download = {"iss": good["iss"], "aud": "slipway", "sub": "x", "jti": "jti_x", "iat": now,
                "exp": now + 60, "ep": 0, "gep": 0, "cdniuc": "regex:.*"}
    device = {**{k: good[k] for k in ("iss", "aud", "jti", "gep")}, "iat": now, "exp": now + 60,
              "ep": 1, "sub": "dev_01m82bpaqwe4ds9x7qefqzp6r8", "acc": good["sub"]}
    return {
        "garbage": "garbage",
        "three parts of garbage": "a.b.c",
        "one bit of the signature": head + "." + body + "." + flip(signature),
        "one bit of the claims": head + "." + flip(body) + "." + signature,
        "no signature": head + "." + body + ".",
        "alg none": control.encode(b'{"alg":"none","typ":"at+jwt"}') + "." + body + ".",
        "expired": plane.forge("access", {**good, "iat": now - 900, "exp": now - 300}),
        "issued for another audience": plane.forge("access", {**good, "aud": "https://else"}),
        "from another issuer": plane.forge("access", {**good, "iss": "https://else"}),
        "a download token": plane.forge("download", download),
        "a device token": plane.forge("device", device),
        "access claims under the device key": plane.forge("device", good),
        "access claims as typ at+jwt under the device key":
            plane.forge("device", good, {"typ": "at+jwt"}),
        "a CI provider's token": plane.provider.token("slipway:tests"),
        "a CI provider's token that says it is ours": plane.provider.token(
            good["aud"], header={"typ": "at+jwt"}, **{k: v for k, v in good.items() if k != "aud"}),
        "a job's token that was never given": plane.forge(
            "access", {**good, "sub": plane.workload["id"], "client_id": plane.workload["id"], "jti": "jti_never"}),
        "a token of a workload identity there is not": plane.forge(
            "access", {**good, "sub": "wli_01m82bpaqwe4ds9x7qefqzp6r8"}),
        "a refresh token": plane.login(control.ADMIN_EMAIL)["refresh_token"],
        "an API key with a wrong checksum": "slk_live_AAAAAAAA_" + "B" * 39,
        "an unknown API key": "slk_live_AAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB2UNxJg",
    }


def flip(text):
    return text[:10] + ("A" if text[10] != "A" else "B") + text[11:]


def test_the_forger_can_forge(plane):
    """Else the refusals below would prove nothing."""
    good = control.claims_of(plane.admin)
    assert plane.api("GET", "/me", token=plane.forge("access", good), status=200)
    device = tokens_that_must_fail(plane)["a device token"]
    plane.refused("GET", "/packages/manifest?product=none", token=device, status=404,
                  code="product_not_found")


def test_bad_credentials_are_401_everywhere(plane):
    bad = tokens_that_must_fail(plane)
    count = 0
    for method, path, operation in operations(plane):
        for what, token in bad.items():
            # What the device key signs as a device token is one.
            if operation["x-device-token"] and what in ("a device token",
                                                        "access claims under the device key"):
                continue
            answer = send(plane, method, path, token=token)
            assert answer.status == 401, f"{method} {path} with {what}: {answer}"
            if method != "HEAD":
                assert code_of(answer, operation)
            assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
            assert answer.headers["Cache-Control"] == "no-store"
            count += 1
    assert count > 200


def test_other_schemes_are_401(plane):
    for value in ("Basic YWRtaW46eA==", "Bearer", "Bearer ", "Bearer  ", "bearer", "Token x", "x", ""):
        answer = plane.request("GET", "/healthz", headers={"Authorization": value})
        assert answer.status == 401, f"{value!r}: {answer}"
    answer = plane.request("GET", "/api/v1/me", headers={"Authorization": "bEaReR " + plane.admin})
    assert answer.status == 200


def test_two_authorizations_are_401(plane):
    raw = (f"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {plane.admin}\r\n"
           f"Authorization: Bearer {plane.admin}\r\nConnection: close\r\n\r\n")
    assert b" 401 " in exchange(plane, raw.encode())


def exchange(plane, raw):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(plane.data / "run" / "control.sock"))
        s.sendall(raw)
        got = b""
        while chunk := s.recv(65536):
            got += chunk
        return got


def with_body(plane):
    for method, path, operation in operations(plane):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body and operation["x-permission"] != "internal":
            yield method, path, body["schema"]


def members_of(schema):
    """The names in a schema and in the objects within it."""
    for name, member in schema.get("properties", {}).items():
        yield name
        yield from members_of(member.get("items", member))


def objects_of(schema):
    """How to get to each object of a body: the body itself, objects in it, arrays of them."""
    yield lambda inner: inner
    for name, member in schema["properties"].items():
        if "properties" in member:
            yield lambda inner, name=name: {name: inner}
        elif "properties" in member.get("items", {}):
            yield lambda inner, name=name: {name: [inner]}


def own_members(schema, place):
    """Of the object that place leads to."""
    at = place({})
    for name, inner in at.items():
        schema = schema["properties"][name]
        schema = schema["items"] if isinstance(inner, list) else schema
    return schema["properties"]


def test_mass_assignment(plane):
    """Nothing of what any object has can be set where a route does not offer it: each member of every
    answer and of every other request, in each object of each body, is refused by its name."""
    everywhere = {"is_admin", "isAdmin", "__proto__", "constructor", "Email", "ROLE", "role ", "account.role", ""}
    for schema in plane.document["components"]["schemas"].values():
        everywhere |= set(members_of(schema))
    for _, _, schema in with_body(plane):
        everywhere |= set(members_of(schema))
    assert {"id", "role", "account_id", "organisation", "state", "created_at", "permissions"} <= everywhere
    asker, cells = callers.Asker(plane), []
    for method, path, schema in with_body(plane):
        for place in objects_of(schema):
            cells += [(method, path, place, name) for name in everywhere - own_members(schema, place).keys()]

    def ask(cell):
        method, path, place, name = cell
        answer = asker.send(method, concrete(path), place({name: "x"}), callers.bearer(plane.admin))
        refused = answer.status == 400 and answer.json["code"] == "unknown_member"
        return None if refused and f"{name}' is not known" in answer.json["detail"] else answer
    wrong = [(cell[0], cell[1], cell[2]({cell[3]: "x"}), got)
             for cell, got in zip(cells, asker.all(ask, cells, 2)) if got]
    assert not wrong, "\n".join(map(str, wrong[:40]))
    assert len(cells) > 5000


def test_required_members_are_named(plane):
    for method, path, schema in with_body(plane):
        for name in schema.get("required", [])[:1]:
            answer = send(plane, method, path, token=plane.admin, body={})
            assert answer.status == 400 and answer.json["code"] == "missing_member", answer
            assert f"'{name}'" in answer.json["detail"]


def test_members_of_a_wrong_type_are_named(plane):
    for method, path, schema in with_body(plane):
        for name, member in schema["properties"].items():
            kinds = member["type"] if isinstance(member["type"], list) else [member["type"]]
            for value in (True, 1.5, "\x01", [{}], {"x": 1}):
                if isinstance(value, bool) and "boolean" in kinds:
                    continue
                answer = send(plane, method, path, token=plane.admin, body={name: value})
                where = f"{method} {path} {name}={value!r}: {answer}"
                assert answer.status == 400, where
                assert f"'{name}" in answer.json["detail"] or \
                    answer.json["code"] == "missing_member", where


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b'{"email":"a","email":"b"}', b'{"email":"\xff"}', b"{}x",
    b"[" * 100000, b'{"a":' * 5000, b'{"email":"\\u0000"}'])
def test_malformed_bodies(plane, body):
    for path in ("/auth/login", "/auth/refresh", "/setup"):
        answer = plane.request("POST", "/api/v1" + path, body,
                               headers={"Content-Type": "application/json"})
        assert answer.status == 400, answer
        control.check_problem(answer)


@pytest.mark.parametrize("content_type", [
    None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/json; charset=utf-16", "application/jsonp", "json"])
def test_only_json_is_read(plane, content_type):
    """A page of another origin can send the other types without asking (CSRF)."""
    headers = {"Content-Type": content_type} if content_type else {}
    plane.refused("POST", "/auth/logout", b'{"refresh_token":"x"}', status=415, code="content_type",
                  headers=headers)


def test_json_with_charset_is_read(plane):
    plane.api("POST", "/auth/logout", b'{"refresh_token":"x"}', status=204,
              headers={"Content-Type": "Application/JSON; charset=UTF-8"})


def test_bodies_above_the_limit(plane):
    limit = 1048576
    headers = {"Content-Type": "application/json"}
    fits = b'{"refresh_token":"x"}'.ljust(limit)
    plane.api("POST", "/auth/logout", fits, status=204, headers=headers)
    plane.refused("POST", "/auth/logout", fits + b" ", status=413, code="body_too_large",
                  headers=headers)
    chunks = (b" " * 65536 for _ in range(17))  # sent as chunks, without Content-Length
    plane.refused("POST", "/auth/logout", chunks, status=413, code="body_too_large",
                  headers=headers)


def test_a_long_upload_is_refused_before_it_is_sent(plane):
    """Whoever may not upload learns it while still sending, and can read the answer."""
    megabyte = b"x" * 1048576
    for token in (None, "garbage"):
        sent = 0

        def body():
            nonlocal sent
            for _ in range(4096):
                sent += 1
                yield megabyte

        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection = plane.connection()
            connection.connect()
            head = "PUT /api/v1/admin/uploads/a.deb HTTP/1.1\r\nHost: x\r\nContent-Length: 4294967296\r\n"
            if token:
                head += f"Authorization: Bearer {token}\r\n"
            connection.sock.sendall(head.encode() + b"\r\n")
            for chunk in body():
                connection.sock.sendall(chunk)
                if select.select([connection.sock], [], [], 0)[0]:
                    break
        assert b" 401 " in connection.sock.recv(4096).split(b"\r\n")[0]
        assert sent < 1024
        connection.close()


def test_a_body_where_none_is_expected(plane):
    plane.refused("GET", "/me", {"a": 1}, plane.admin, status=400, code="body_not_expected")


def test_paths_and_methods(plane):
    plane.refused("GET", "/nothing", status=404, code="no_such_endpoint")
    plane.refused("GET", "/admin/accounts/", status=404, code="no_such_endpoint")
    answer = plane.request("DELETE", "/api/v1/me/factors")
    assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    control.check_problem(answer)
    for method in ("TRACE", "CONNECT", "PROPFIND", "FOO", "get"):
        assert plane.request(method, "/api/v1/me").status in (400, 405, 501)
    answer = plane.request("OPTIONS", "/api/v1/me/factors")
    assert answer.status == 204 and answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    head, get = (plane.request(m, "/api/v1/me", token=plane.admin) for m in ("HEAD", "GET"))
    assert head.status == 200 and head.body == b""
    assert head.headers["Content-Length"] == str(len(get.body))


def test_path_parameters_are_decoded_once(plane):
    email = "odd/na%me+tag@example.com"
    account = plane.account(plane.admin, email)
    got = plane.api("GET", "/admin/accounts/odd%2Fna%25me+tag%40example.com", token=plane.admin)
    assert got == account
    for bad in ("%", "%zz", "%00", "%ff"):
        plane.refused("GET", f"/admin/accounts/{bad}", token=plane.admin, status=400,
                      code="invalid_path")


def test_query_parameters(plane):
    for query, code in (("limit=0", "invalid_member"), ("limit=201", "invalid_member"),
                        ("limit=a", "invalid_member"), ("limit=", "invalid_member"),
                        ("limit=1&limit=1", "duplicate_parameter"), ("limit=%zz", "invalid_query"),
                        ("cursor=" + "a" * 129, "invalid_member")):
        plane.refused("GET", f"/admin/accounts?{query}", token=plane.admin, status=400, code=code)
    plane.api("GET", "/admin/accounts?limit=200&utm_source=x&utm_source=y", token=plane.admin,
              status=200)


def test_every_answer_has_a_request_id(plane):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    for headers, expected in (
            ({"X-Request-Id": "abc-DEF_1.2"}, "abc-DEF_1.2"),
            ({"traceparent": trace}, "4bf92f3577b34da6a3ce929d0e0e4736"),
            ({"X-Request-Id": "r1", "traceparent": trace}, "r1"),
            ({"X-Request-Id": "a b"}, None), ({"X-Request-Id": "a\"}"}, None),
            ({"X-Request-Id": "a" * 129}, None), ({"traceparent": "00-xyz"}, None), ({}, None)):
        for path in ("/healthz", "/nothing"):
            got = plane.request("GET", path, headers=headers).headers["X-Request-Id"]
            assert got == expected if expected else re.fullmatch(r"[0-9a-f]{32}", got)


def test_a_failed_request_is_one_line_in_the_log(plane):
    plane.refused("GET", "/admin/accounts", status=401, code="authentication_required",
                  headers={"X-Request-Id": "find-me-in-the-log"})
    # The line is written when the answer is out.
    lines = control.wait_until(
        lambda: [line for line in plane.log_lines() if line.get("request_id") == "find-me-in-the-log"],
        "the line")
    assert len(lines) == 1
    assert lines[0]["route"] == "/api/v1/admin/accounts" and lines[0]["status"] == 401
    assert lines[0]["level"] == "info" and lines[0]["code"] == "authentication_required"


def test_connections_are_kept(plane):
    """Errors with small bodies do not close either: nginx keeps a few connections for all."""
    connection = plane.connection()
    connection.connect()
    first = connection.sock
    for method, path, body in (("GET", "/healthz", None), ("GET", "/nothing", None),
                               ("POST", "/api/v1/auth/refresh", {"refresh_token": "x"}),
                               ("POST", "/api/v1/auth/refresh", {"x": 1}),
                               ("DELETE", "/api/v1/me", {"x": 1}), ("GET", "/healthz", None)):
        plane.request(method, path, body, connection=connection)
        assert connection.sock is first, f"{method} {path} closed the connection"
    connection.close()


def test_many_connections_at_once(plane):
    """More than api.threads: the rest waits its turn, none is refused."""
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: plane.request("GET", "/api/v1/me", token=plane.admin).status,
                                range(300)))
    assert answers == [200] * 300


def test_answers_are_as_documented(plane):
    """Each GET without parameters in its path, as the administrator."""
    checked = 0
    for method, path, operation in operations(plane):
        required = [p for p in operation["parameters"] if p["required"]]
        content = operation["responses"].get("200", {}).get("content", {}).get("application/json")
        if method != "GET" or required or not content:
            continue
        answer = plane.request("GET", path, token=plane.admin)
        if answer.status == 200:
            control.check_schema(answer.json, content["schema"], plane.document, path)
            checked += 1
        else:
            control.check_problem(answer)
    assert checked >= 6


def test_the_document_is_complete(plane):
    ids = set()
    for method, path, operation in operations(plane):
        where = f"{method} {path}"
        assert operation["summary"] and operation["operationId"] not in ids, where
        ids.add(operation["operationId"])
        named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path)), where
        assert "default" in operation["responses"] and len(operation["responses"]) > 1, where
    references = set(re.findall(r'"#/components/([^"]+)"', json.dumps(plane.document)))
    for reference in references:
        target = plane.document["components"]
        for step in reference.split("/"):
            target = target[step]
    assert control.check_problem(plane.request("GET", "/nothing"))
    control.check_schema(plane.request("GET", "/nothing").json,
                         plane.document["components"]["schemas"]["problem"], plane.document)


def test_the_programs_know_real_paths(plane):
    """Every path the command line and the client name is one of the routes."""
    root = pathlib.Path(control.__file__).resolve().parents[2]
    templates = [re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$") for path in plane.document["paths"]]
    # Answered by nginx's module, not by the control plane.
    templates.append(re.compile("/api/v1/updates/check$"))
    found = 0
    for source in [*root.glob("src/cli/*.c"), *root.glob("client/**/*.c")]:
        for path in re.findall(r'"(?:/api/v1)?(/(?:admin|auth|downloads|licences|updates|packages|tokens|setup|me)\b[^"]*)"',
                               source.read_text()):
            path = "/api/v1" + re.sub(r"\{\w+\}|%s", "x", path.split("?")[0])
            assert any(t.match(path) for t in templates), f"{source.name}: {path}"
            found += 1
    assert found > 30


def test_metrics_are_exposed(plane):
    answer = plane.request("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b'slipway_http_requests_total{status="2xx"}' in answer.body
    assert b"slipway_http_request_seconds_count" in answer.body


def test_no_credential_stands_in_the_log(plane):
    """The last test of the file: everything above has run."""
    log = plane.log.read_text()
    for secret in (plane.admin, control.PASSWORD, plane.admin.split(".")[2]):
        assert secret not in log
    assert not re.search(r"slr_[0-9a-z]{26}|slk_live_|eyJ", log)
