"""The control plane alone, without nginx: `slipway init` and `slipway control`, spoken to over its
unix socket. What the API promises is tested here; what nginx adds is tested through slipway.py."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

from slipway import SLIPWAY, Answer, wait_until

ADMIN_EMAIL = "admin@example.com"
PASSWORD = "correct horse battery staple"


class SocketConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def slowed_down(attempt, more=6):
    """The first answer that asks to wait, of so many attempts. Each one let through doubles the wait,
    from one second: on a busy machine the first waits may be over before the next attempt comes."""
    for _ in range(more):
        answer = attempt()
        if answer.status == 429:
            assert answer.json["code"] == "sign_in_throttled", answer
            assert 1 <= int(answer.headers["Retry-After"]) <= 2 ** more, answer
            return answer
    raise AssertionError(f"{more} attempts more than are free, and none was refused")


class Psql:
    """One psql for many statements: starting it takes longer than they do."""

    def __init__(self, url):
        self.url, self.process, self.lock = url, None, threading.Lock()

    def run(self, statement):
        with self.lock:
            if not self.process or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url], text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.process.stdin.write(statement.rstrip().rstrip(";") + ";\n\\echo done\n")
            self.process.stdin.flush()
            said = []
            while not said or said[-1] not in ("done\n", ""):
                said.append(self.process.stdout.readline())
            assert said[-1] == "done\n", f"{statement}: {said}"

    def close(self):
        if self.process:
            self.process.communicate("\\q\n")
            self.process = None


class Control:
    """setup_token: the first administrator is still to be made, with the one-time token. beside: another
    one, whose database it is given as its second node."""

    def __init__(self, database="sqlite", settings=(), setup_token=False, beside=None):
        # Socket paths are short.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="slipway-api-"))
        self.data = self.dir / "data"
        self.database = database
        # Tests are greedy; what limits them is named where it is tested.
        self.settings = ["limit.account=1000000", "limit.key=1000000", *settings]
        self.log = self.dir / "control.log"
        self.psql = Psql(database)
        self.process = None
        command = [SLIPWAY, "init", "--data", self.data, "--database", database, "--json"]
        if beside:
            shutil.copytree(beside.data / "keys", self.data / "keys")
        elif not setup_token:
            password = self.dir / "admin-password"
            password.touch(0o600)
            password.write_text(PASSWORD + "\n")
            command += ["--admin-email", ADMIN_EMAIL, "--admin-password-file", password]
        made = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert made.returncode == 0, made.stderr
        self.setup_token = json.loads(made.stdout).get("setup_token")

    def start(self):
        options = [word for s in self.settings for word in ("--set", s)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [SLIPWAY, "control", "--data", self.data, *options], stderr=log)
        wait_until(self.is_up, "the control plane", 30)
        return self

    def is_up(self):
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/healthz").status == 200

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        return self.process.returncode if self.process else None

    def close(self):
        try:
            code = self.stop()
            assert code in (0, None), self.log.read_text()[-4000:]
        finally:
            self.psql.close()
            if self.process and self.process.poll() is None:
                self.process.kill()
                self.process.wait(20)
            shutil.rmtree(self.dir, ignore_errors=True)

    def sql(self, statement):
        """Changes the database behind the server's back, which is not asked."""
        if self.database == "sqlite":
            path = next((self.data / "db").glob("*.db"))
            with contextlib.closing(sqlite3.connect(path, timeout=20)) as db, db:
                db.execute(statement)
        else:
            self.psql.run(statement)

    def select(self, statement):
        """What the database has, a row a line."""
        if self.database == "sqlite":
            command = ["sqlite3", "-readonly", next((self.data / "db").glob("*.db")), statement]
        else:
            command = ["psql", "-qAt", "-d", self.database, "-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def log_lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines() if line[:1] == "{"]

    # Requests -----------------------------------------------------------------------------------

    def connection(self, timeout=30):
        return SocketConnection(self.data / "run" / "control.sock", timeout)

    def request(self, method, path, body=None, token=None, headers=None, connection=None):
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # What nginx says of every request.
        headers.setdefault("X-Slipway-Client-Address", "203.0.113.77")
        own = connection or self.connection()
        try:
            own.request(method, path, body=body, headers=headers)
            response = own.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            if not connection:
                own.close()

    def api(self, method, path, body=None, token=None, status=None, **more):
        answer = self.request(method, "/api/v1" + path, body, token, **more)
        if status is not None:
            assert answer.status == status, f"{method} {path}: {answer}"
        return answer.json if answer.body else None

    def refused(self, method, path, body=None, token=None, status=None, code=None, **more):
        """A request that must fail with a complete problem document; gives its detail."""
        answer = self.request(method, "/api/v1" + path, body, token, **more)
        check_problem(answer)
        assert (answer.status, answer.json["code"]) == (status, code), answer
        return answer.json.get("detail", "")

    # People -------------------------------------------------------------------------------------

    def administrator(self):
        """Gives a token of the administrator."""
        return self.login(ADMIN_EMAIL)["access_token"]

    def login(self, email, password=PASSWORD):
        return self.api("POST", "/auth/login", {"email": email, "password": password}, status=200)

    def account(self, admin, email, role="user", **more):
        return self.api("POST", "/admin/accounts",
                        {"email": email, "role": role, "password": PASSWORD, **more}, admin, 201)

    # Tokens made by hand ------------------------------------------------------------------------

    def forge(self, kind, claims, header=None):
        """A token signed with the server's own key of this kind, whatever it says."""
        key = next((self.data / "keys").glob(f"{kind}-*.pem"))
        kid = key.stem.split("-", 1)[1]
        typ = {"access": "at+jwt", "device": "slipway-device+jwt", "download": "slipway-dl+jwt"}
        head = {"alg": "ES256", "typ": typ[kind], "kid": kid, **(header or {})}
        text = ".".join(encode(json.dumps(part, separators=(",", ":")).encode())
                        for part in (head, claims))
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(),
                             capture_output=True, check=True).stdout
        return f"{text}.{encode(raw_signature(der))}"


def blob(plane, n):
    """A blob of 32 bytes in the words of the plane's database."""
    prefix = "x'" if plane.database == "sqlite" else r"'\x"
    return f"{prefix}{n:064x}'" + ("" if plane.database == "sqlite" else "::bytea")


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextlib.contextmanager
def running(*args, **kwargs):
    """A Control, started, with an administrator's access token as `admin`."""
    plane = Control(*args, **kwargs)
    try:
        plane.start()
        plane.admin = plane.administrator()
        yield plane
    finally:
        plane.close()


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def header_of(token):
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def raw_signature(der):
    """r ‖ s of a DER ECDSA signature (SEQUENCE of two INTEGERs)."""
    numbers, at = b"", 2
    for _ in range(2):
        size = der[at + 1]
        numbers += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return numbers


def check_problem(answer):
    """RFC 9457, with our members."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer
    problem = answer.json
    assert problem["status"] == answer.status
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert re.fullmatch(r"[a-z][a-z0-9_]+", problem["code"])
    assert problem["type"].endswith(":" + problem["code"]) and problem["title"]
    if answer.status == 401:
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="slipway"')
    return problem


def check_schema(value, schema, document, where="answer"):
    """The part of JSON Schema the OpenAPI document uses."""
    if "$ref" in schema:
        target = document
        for step in schema["$ref"].lstrip("#/").split("/"):
            target = target[step]
        check_schema(value, target, document, where)
        return
    kinds = schema.get("type")
    if kinds is not None:
        kinds = kinds if isinstance(kinds, list) else [kinds]
        names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer",
                 type(None): "null", float: "number"}
        assert names[type(value)] in kinds, f"{where}: {value!r} is no {kinds}"
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r} is none of {schema['enum']}"
    if schema.get("format") == "date-time" and value is not None:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value), f"{where}: {value}"
    if isinstance(value, dict) and "properties" in schema:
        for name in schema.get("required", []):
            assert name in value, f"{where}.{name} is missing"
        for name, member in value.items():
            assert name in schema["properties"], f"{where}.{name} is not documented"
            check_schema(member, schema["properties"][name], document, f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for i, element in enumerate(value):
            check_schema(element, schema["items"], document, f"{where}[{i}]")
