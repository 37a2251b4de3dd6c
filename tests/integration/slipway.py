"""Runs the real Slipway for tests: init, serve, stop, kill; talks to it over HTTPS and through the
command line. Nothing here is a stand-in."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLIPWAY_BUILD", ROOT / "build"))
SLIPWAY = BUILD / "slipway"
UPDATE = BUILD / "slipway-update"
ADMIN_EMAIL = "admin@example.com"
ADMIN_PASSWORD = "correct horse battery staple"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, what, seconds=20.0):
    """Waits for a condition instead of sleeping for a guess; returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"timed out after {seconds} s waiting for {what}")
        time.sleep(0.02)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


class Server:
    """One data directory and the `slipway serve` over it. beside: another server, whose database it
    is given as its second node, as docs/operations.md says."""

    def __init__(self, database="sqlite", settings=(), admin=True, beside=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="slipway-test-"))
        self.data = self.dir / "data"
        self.password_file = self.dir / "admin-password"
        self.password_file.write_text(ADMIN_PASSWORD + "\n")
        self.password_file.chmod(0o600)
        self.https, self.http = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.https}"
        # Tests are greedy; what limits them is named where it is tested.
        self.settings = ["limit.account=1000000", "limit.key=1000000", *settings]
        self.process = None
        self.log = self.dir / "serve.log"
        self._tokens = {}
        if beside:
            shutil.copytree(beside.data / "keys", self.data / "keys")
            (self.data / "tls").mkdir()
            shutil.copy(beside.ca, self.ca)
        command = [SLIPWAY, "init", "--data", self.data, "--database", database]
        if admin:
            command += ["--admin-email", ADMIN_EMAIL, "--admin-password-file", self.password_file]
        self.init = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert self.init.returncode == 0, self.init.stderr

    @property
    def ca(self):
        return self.data / "tls" / "ca.pem"

    def start(self, *more, wait=True):
        options = [word for s in self.settings for word in ("--set", s)]
        self._log_file = open(self.log, "ab")
        self.process = subprocess.Popen(
            [SLIPWAY, "serve", "--data", self.data, "--https", f"127.0.0.1:{self.https}",
             "--http", f"127.0.0.1:{self.http}", *options, *more],
            stdout=subprocess.PIPE, stderr=self._log_file, text=True)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=30):
        lines = []
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(seconds)
        assert lines and lines[0].startswith("ready "), \
            f"serve said {lines!r}\n{self.log.read_text()[-4000:]}"
        # Nobody reads the rest; keep the pipe from filling.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self, seconds=20):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(seconds)
        return self.process.returncode if self.process else None

    def kill(self):
        """kill -9 of the supervisor and everything under it."""
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(20)

    def close(self):
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.kill()
        finally:
            if self.process and self.process.poll() is None:
                self.kill()
            shutil.rmtree(self.dir, ignore_errors=True)

    # HTTP -------------------------------------------------------------------------------------

    def connection(self, timeout=30):
        context = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection("127.0.0.1", self.https, context=context, timeout=timeout)

    def request(self, method, path, body=None, token=None, headers=None, timeout=30):
        """One request. A dict becomes a JSON body; token is a Bearer credential."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = self.connection(timeout)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def api(self, method, path, body=None, token=None, status=None, **more):
        """A request to /api/v1; asserts the status when one is given and returns the JSON."""
        answer = self.request(method, "/api/v1" + path, body, token, **more)
        if status is not None:
            assert answer.status == status, f"{method} {path}: {answer}"
        return answer

    def login(self, email=ADMIN_EMAIL, password=ADMIN_PASSWORD):
        """An access token of a fresh sign-in, kept per account for this server's tests."""
        kept = self._tokens.get(email)
        if kept and kept[1] > time.monotonic():
            return kept[0]
        answer = self.api("POST", "/auth/login", {"email": email, "password": password}, status=200)
        self._tokens[email] = (answer.json["access_token"], time.monotonic() + 300)
        return answer.json["access_token"]

    def admin(self, method, path, body=None, status=None, **more):
        return self.api(method, path, body, token=self.login(), status=status, **more)

    # Command line -----------------------------------------------------------------------------

    def cli(self, *words, token=None, check=True, input=None, timeout=120):
        """`slipway … --json` as the administrator (or with a token); gives the parsed answer."""
        command = [SLIPWAY, "--server", self.url, "--ca", self.ca,
                   "--token", token or self.login(), *words, "--json"]
        done = subprocess.run([str(w) for w in command], capture_output=True, text=True,
                              input=input, timeout=timeout, env={**os.environ, "HOME": str(self.dir)})
        if not check:
            return done
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def publish(self, file, product, version, platform="linux-amd64", channel="stable",
                class_="public", *more):
        return self.cli("publish", file, "--product", product, "--version", version, "--channel",
                        channel, "--platform", platform, "--class", class_, *more)


def share_blobs(one, other):
    """blobs/ is one file system for both nodes, which a test may not mount: what one has is copied."""
    shutil.copytree(one.data / "blobs", other.data / "blobs", dirs_exist_ok=True)
    if os.getuid() == 0:
        for path in [other.data / "blobs", *(other.data / "blobs").rglob("*")]:
            at = (one.data / "blobs" / path.relative_to(other.data / "blobs")).stat()
            os.chown(path, at.st_uid, at.st_gid)


def shell_blocks(text):
    """The ```sh blocks of a document, or of a part of one."""
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def follow(server, block, folder, **more):
    """A block of a document in a shell, with this server's address and files in place of the document's."""
    block = block.replace("https://127.0.0.1:8443", server.url)
    block = block.replace("slipway-data/tls/ca.pem", str(server.ca))
    for word, value in more.items():
        block = block.replace(word, value)
    env = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}", "HOME": str(folder),
           "SLIPWAY_SERVER": server.url, "SLIPWAY_CA": str(server.ca), "SLIPWAY_TOKEN": server.login()}
    done = subprocess.run(["bash", "-euc", block], cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def npm_folder(name):
    """A folder below the build directory with what tests/integration/NAME/package-lock.json names;
    None where it cannot be had."""
    source, folder = pathlib.Path(__file__).parent / name, BUILD / name
    installed = folder / "package-lock.json"
    if not (folder / "node_modules").exists() or \
            installed.read_bytes() != (source / "package-lock.json").read_bytes():
        if not shutil.which("npm"):
            return None
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules"))
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                              capture_output=True, timeout=300)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            return None
    # As it is now, whenever the packages were fetched.
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True)
    return folder


def descendants(pid):
    """Process ids below pid, deepest last."""
    found = []
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def make_deb(path, name="demo", version="1.0.0", architecture="amd64", size=0):
    """A real small Debian package, with `size` bytes of incompressible content."""
    tree = pathlib.Path(tempfile.mkdtemp(prefix="deb-"))
    try:
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN" / "control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
            "Maintainer: Example <packages@example.com>\nDescription: a package for tests\n")
        share = tree / "usr" / "share" / name
        share.mkdir(parents=True)
        (share / "version").write_text(version + "\n")
        if size:
            (share / "blob").write_bytes(os.urandom(size))
        tree.chmod(0o755)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(tree), str(path)],
                       check=True, capture_output=True)
    finally:
        shutil.rmtree(tree)
    return pathlib.Path(path)
