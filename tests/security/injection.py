#!/usr/bin/python3
"""sqlmap over the running API, walked by its OpenAPI document: every query parameter, member of a JSON body,
form field and path parameter, and the headers the server reads, on both databases. First against a server
with planted injections (planted.py): only because it finds those does it mean something that it finds none.

Usage: tests/security/injection.py [--database sqlite|postgresql] [--level 1-5] [--risk 1-3] [--only PART]
                                   [--jobs N] [--output DIR]
Prints a line for each route; exits with 1 if anything is found, if a request was answered with 5xx, or if
a planted injection was missed."""
import argparse
import asyncio
import concurrent.futures
import contextlib
import itertools
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
import control  # noqa: E402
import planted  # noqa: E402
from control import PASSWORD  # noqa: E402

SUPPORT = HERE.parent / "support"
FOUND = "identified the following injection point"
CLEAN = "do not appear to be injectable"
MARK = "*"
# What the server takes from headers, wherever it comes from.
HEADERS = {"User-Agent": "scanner", "X-Request-Id": "request-1", "traceparent":
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "X-Slipway-Country": "DE",
           "Cookie": "__Host-sid=x", "If-None-Match": '"x"', "Origin": "https://localhost", "Referer": "https://x"}
SKIPPED = {("DELETE", "/api/v1/me"): "its first request would end the account; its parameter is one of a list",
           ("POST", "/internal/events"): "not reachable through nginx"}


class Target:
    """A server as sqlmap sees it: a TCP port that leads to the control plane's socket."""

    def __init__(self, plane):
        self.plane, self.loop = plane, asyncio.new_event_loop()
        self.port = None
        started = threading.Event()
        threading.Thread(target=self.run, args=(started,), daemon=True).start()
        started.wait(10)

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.forward, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()

    async def forward(self, reader, writer):
        there, back = await asyncio.open_unix_connection(str(self.plane.data / "run" / "control.sock"))

        async def copy(source, sink):
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.close()
        await asyncio.gather(copy(reader, back), copy(there, writer))


# Requests -----------------------------------------------------------------------------------------

class Samples:
    """Values that exist, so that a condition can make a difference."""

    def __init__(self, plane):
        admin = plane.admin
        plane.api("POST", "/admin/products", {"name": "vpn"}, admin, 201)
        org = plane.api("POST", "/admin/organisations", {"name": "Acme"}, admin, 201)
        plane.account(admin, "sample@example.com", organisation="Acme")
        licence = plane.api("POST", "/admin/licences", {"account": "sample@example.com", "product": "vpn",
                                                        "max_devices": 9}, admin, 201)
        device = plane.api("POST", "/licences/activate", {"licence_key": licence["licence_key"], "device": {
            "name": "n", "os": "linux", "arch": "amd64", "fingerprint": "f" * 20}}, status=200)
        release = plane.api("POST", "/admin/releases", {"product": "vpn", "version": "1.0.0",
                                                        "channels": ["stable"]}, admin, 201)
        upload = plane.api("PUT", "/admin/uploads/a.run", b"#!/bin/sh\n", admin, 201)
        package = plane.api("POST", f"/admin/releases/{release['id']}/packages", {
            "upload_id": upload["id"], "platform": "linux-amd64", "format": "run", "class": "public"}, admin, 201)
        plane.api("POST", f"/admin/releases/{release['id']}/publish", None, admin, 200)
        download = plane.api("POST", "/downloads/token", {"package_id": package["id"]}, admin, 200)
        key = plane.api("POST", "/admin/keys", {"name": "k", "permissions": ["product.read"]}, admin, 201)
        self.by_parent = {"accounts": "sample@example.com", "licences": licence["id"], "roles": "user",
                          "devices": device["device_id"], "releases": release["id"], "packages": package["id"],
                          "downloads": download["download_id"], "organisations": org["id"], "products": "vpn",
                          "keys": key["id"], "audit": "1", "uploads": upload["id"]}
        self.by_name = {
            "email": "sample@example.com", "account": "sample@example.com", "product": "vpn", "password": PASSWORD,
            "organisation": "Acme", "role": "user", "licence": licence["id"], "device": device["device_id"],
            "package": package["id"], "package_id": package["id"], "release": release["id"], "platform":
            "linux-amd64", "release_id": release["id"], "device_id": device["device_id"], "version": "1.0.0",
            "account_id": key["account_id"], "download_id": download["download_id"], "licence_key":
            licence["licence_key"], "upload_id": upload["id"], "channel": "stable", "channels": ["stable"],
            "permissions": ["product.read"], "products": ["vpn"], "addresses": ["192.0.2.0/24"], "country": "DE",
            "current_password": PASSWORD, "new_password": "another long password", "name": "sample",
            "issuer": "https://issuer.example.com", "fingerprint": "f" * 20, "public_key": "RWQ",
            "audience": "https://slipway.example.com", "entitlements": ["pro"], "cursor": "0", "limit": 10,
            "jti": "jti_00000000000000000000000000", "claim": "repository", "pattern": "acme/vpn"}

    def value(self, name, schema):
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if name in self.by_name:
            return self.by_name[name]
        if "enum" in schema:
            return next(v for v in schema["enum"] if v is not None)
        if kind == "array":
            return [self.value("", schema["items"])]
        if kind == "object":
            # A new password costs a hash, and is not needed to change something else.
            members = {k: v for k, v in schema.get("properties", {}).items()
                       if k != "password" or k in schema.get("required", [])}
            return {k: self.value(k, v) for k, v in members.items()} or {"id": "AAAA"}
        if kind == "boolean":
            return True
        if kind == "integer":
            return schema.get("minimum", 0) + 1
        return "2030-01-01T00:00:00Z" if schema.get("format") == "date-time" else \
            "sample-text".ljust(schema.get("minLength", 0), "x")

    def path(self, template):
        def fill(match):
            parent = template[:match.start()].rstrip("/").rsplit("/", 1)[-1]
            return self.by_parent.get(parent, "sample") + MARK
        return re.sub(r"\{\w+\}", fill, template)


def marked(value):
    """Each text and number of a body, marked as a place to try."""
    if isinstance(value, dict):
        return {k: marked(v) for k, v in value.items()}
    if isinstance(value, list):
        return [marked(v) for v in value]
    return value if isinstance(value, bool) else f"{value}{MARK}"


def request_of(samples, method, path, operation, token):
    """The text of one request with all its places marked; None where there is none."""
    query = "&".join(f"{p['name']}={samples.value(p['name'], p['schema'])}{MARK}"
                     for p in operation["parameters"] if p["in"] == "query")
    content = operation.get("requestBody", {}).get("content", {})
    headers = {"Host": "localhost", "Authorization": f"Bearer {token}", "X-Slipway-Client-Address": "203.0.113.7",
               "Sec-Fetch-Site": "same-origin", "Accept": "application/json", "Tus-Resumable": "1.0.0"}
    body = None
    for kind, described in content.items():
        if kind == "application/json":
            body = json.dumps(marked(samples.value("", described["schema"])))
        elif "form" in kind:
            body = "&".join(f"{name}={samples.value(name, member)}{MARK}"
                            for name, member in described["schema"]["properties"].items())
        if body:
            headers["Content-Type"] = kind
    target = samples.path(path) + ("?" + query if query else "")
    if MARK not in target and not body:
        return None
    lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines) + "\r\n\r\n" + (body or "")


def header_request(path, token):
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}",
             *(f"{name}: {value}{MARK}" for name, value in HEADERS.items())]
    return "\r\n".join(lines) + "\r\n\r\n"


# Scanning -----------------------------------------------------------------------------------------

class Scanner:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder

    def scan(self, name, port, request, dbms):
        """(verdict, seconds, requests sent); the log is kept in the folder."""
        place = self.folder / re.sub(r"\W+", "-", name).strip("-")
        place.mkdir(parents=True, exist_ok=True)
        (place / "request").write_bytes(request.replace("Host: localhost", f"Host: 127.0.0.1:{port}").encode())
        begun = time.monotonic()
        # With a pipe as its input it would read targets from there.
        ours, theirs = pty.openpty()
        with open(place / "log", "wb") as log, os.fdopen(ours), os.fdopen(theirs) as terminal:
            subprocess.run(
                ["sqlmap", "-r", place / "request", "--batch", "--flush-session", "--disable-coloring",
                 "--output-dir", place / "out", "--dbms", dbms, "--level", str(self.options.level), "--risk",
                 str(self.options.risk), "--technique", "BEUSTQ", "--ignore-code", "401,403,404,409,429", "--skip-waf"],
                stdin=terminal, stdout=log, stderr=subprocess.STDOUT, timeout=7200)
        text = (place / "log").read_text(errors="replace")
        verdict = "FOUND" if FOUND in text else "clean" if CLEAN in text else "UNSURE"
        return verdict, time.monotonic() - begun, text.count("[INFO] testing '")


def prove(scanner):
    """Planted injections of each kind of place, that must all be found."""
    missed = []
    with planted.running() as port:
        for name, request in planted.requests(port).items():
            verdict, seconds, _ = scanner.scan(f"planted {name}", port, request, "SQLite")
            print(f"  {'ok' if verdict == 'FOUND' else 'MISSED':7} planted: {name:40} {seconds:6.0f} s", flush=True)
            missed += [name] * (verdict != "FOUND")
    return missed


@contextlib.contextmanager
def database_of(kind):
    if kind == "sqlite":
        yield "sqlite"
        return
    started = subprocess.Popen([SUPPORT / "postgres.sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    url = started.stdout.readline().strip()
    try:
        subprocess.run(["psql", "-q", "-d", url, "-c", "CREATE DATABASE scanned"], check=True)
        head, _, query = url.partition("?")
        yield f"{head.rsplit('/', 1)[0]}/scanned" + (f"?{query}" if query else "")
    finally:
        started.stdin.close()
        started.wait(30)


def administrators(plane):
    """A function that gives a token of one that no request was made as yet: some requests change their caller's
    password, or end all their sessions."""
    numbers = itertools.count(1)

    def another():
        email = f"scanner{next(numbers)}@example.com"
        plane.account(plane.admin, email, role="admin")
        return plane.login(email)["access_token"]
    return another


def requests_of(plane, samples):
    token = administrators(plane)
    document = plane.api("GET", "/openapi.json", status=200)
    operations = [(method.upper(), path, operation) for path, item in document["paths"].items()
                  for method, operation in item.items() if (method.upper(), path) not in SKIPPED]
    # What deletes the samples comes last.
    for method, path, operation in sorted(operations, key=lambda o: o[0] == "DELETE"):
        yield f"{method} {path}", lambda m=method, p=path, o=operation: request_of(samples, m, p, o, token())
    yield "headers of GET /api/v1/me", lambda: header_request("/api/v1/me", token())
    yield "headers of GET /api/v1/packages/manifest", lambda: header_request(
        "/api/v1/packages/manifest?product=vpn", token())


def scan_api(scanner, kind, options):
    """Names of what was found, or was not sure."""
    dbms = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind]
    with database_of(kind) as database:
        plane = control.Control(database, ["login.attempts=1000", "session.limit=900", "token.access_ttl=1h",
                                           "auth.step_up_window=1d", "api.threads=64"])
        try:
            plane.start()
            plane.admin = plane.administrator()
            target, samples = Target(plane), Samples(plane)
            jobs = [(n, make) for n, make in requests_of(plane, samples) if options.only in n]

            def run(job):
                request = job[1]()
                if not request:
                    return job[0], "nothing to try", 0
                verdict, seconds, _ = scanner.scan(f"{kind} {job[0]}", target.port, request, dbms)
                print(f"  {verdict:7} {kind}: {job[0]:70} {seconds:6.0f} s", flush=True)
                return job[0], verdict, seconds
            with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
                results = list(pool.map(run, jobs))
            failed = {(line.get("route"), line["status"], line.get("code")) for line in plane.log_lines()
                      if line.get("status", 0) >= 500 and line["status"] not in (503, 507)}
            for one in failed:
                print(f"  FAILED  {kind}: a request of it was answered with {one}")
            tried = [r for r in results if r[1] != "nothing to try"]
            print(f"{kind}: {len(tried)} requests with places to try, {sum(r[2] for r in tried):.0f} s of scanning")
            return [r for r in tried if r[1] != "clean"] + list(failed)
        finally:
            plane.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--risk", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--output", type=pathlib.Path)
    options = parser.parse_args()
    if not shutil.which("sqlmap"):
        sys.exit("injection.py: sqlmap is not installed (Debian: apt-get install sqlmap)")
    folder = options.output or pathlib.Path(tempfile.mkdtemp(prefix="slipway-sqlmap-"))
    scanner = Scanner(options, folder)
    print(f"sqlmap, level {options.level}, risk {options.risk}; logs in {folder}")
    bad = prove(scanner)
    for kind in options.database or ["sqlite", "postgresql"]:
        bad += scan_api(scanner, kind, options)
    print(f"{len(bad)} findings" if bad else "Nothing was found.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
