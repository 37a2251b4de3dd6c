"""What is measured: the real server with a catalogue filled through its API, and beside it a second
nginx made of the server's own configuration, on other ports, with the locations to compare with."""
import gzip
import http.client
import io
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import tarfile
import threading

from measure import Failure, share_core

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import slipway  # noqa: E402

PRODUCT, LICENSED, PLATFORM = "demo", "demo-pro", "linux-amd64"
ENTITLEMENT = "vpn-client"
# Rates are not what is measured; all load comes from one address and one subject.
SETTINGS = ("limit.api=1000000", "limit.account=1000000", "limit.key=1000000",
            "limit.check=1000000", "limit.downloads=65535", "login.attempts=1000")
MIB = 1 << 20


class Client:
    """Calls the API over one kept connection."""

    def __init__(self, server, token):
        self.server, self.token = server, token
        self.connection = server.connection(timeout=120)

    def __call__(self, method, path, body=None, headers=None):
        headers = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        if isinstance(body, dict):
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        try:
            self.connection.request(method, "/api/v1" + path, body, headers)
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # nginx ends a connection after keepalive_requests; the request was not looked at.
            self.connection.close()
            self.connection.request(method, "/api/v1" + path, body, headers)
            answer = self.connection.getresponse()
        data = answer.read()
        if answer.status >= 400:
            raise Failure(f"{method} {path}: {answer.status} {data[:300].decode(errors='replace')}")
        return json.loads(data) if data else None


def deb(version, size, name="demo"):
    """A Debian package of `size` bytes of content in parts of 1 MiB, with its whole length."""
    control = (f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: Example "
               "<packages@example.com>\nDescription: a package for measurements\n").encode()

    def tar_head(path, length):
        info = tarfile.TarInfo(path)
        info.size = length
        return info.tobuf(tarfile.GNU_FORMAT)

    def member(member_name, length):
        return f"{member_name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{length:<10}`\n".encode()

    text = io.BytesIO()
    with gzip.GzipFile(fileobj=text, mode="wb", mtime=0) as packed:
        packed.write(tar_head("./control", len(control)) + control + bytes(-len(control) % 512 + 1024))
    text = text.getvalue()
    data_length = 512 + size + -size % 512 + 1024
    head = (b"!<arch>\n" + member("debian-binary", 4) + b"2.0\n" + member("control.tar.gz", len(text))
            + text + b"\n" * (len(text) % 2) + member("data.tar", data_length)
            + tar_head("./content", size))
    tail = bytes(-size % 512 + 1024)

    def parts():
        block = os.urandom(MIB)
        yield head
        for left in range(size, 0, -MIB):
            yield block[:min(left, MIB)]
        yield tail
    return parts(), len(head) + size + len(tail)


def upload(client, filename, content, length):
    return client("PUT", f"/admin/uploads/{filename}", content,
                  {"Content-Length": str(length), "Content-Type": "application/octet-stream"})


def small_file(version, length=1024):
    """A compressed package of exactly `length` bytes: the usual one has blocks of 512."""
    parts, _ = deb(version, 0)
    head = b"".join(parts)
    start = head.rindex(b"data.tar ")
    empty = gzip.compress(bytes(1024), mtime=0)
    room = length - start - 60 - len(empty)
    # The gzip header's optional name field takes what is missing.
    data = empty[:3] + b"\x08" + empty[4:10] + os.urandom(room - 1).hex()[:room - 1].encode() + b"\0"
    data += empty[10:]
    name = f"{'data.tar.gz':<16}".encode()
    return head[:start] + name + head[start + 16:start + 48] + f"{len(data):<10}`\n".encode() + data


def publish(client, product, version, upload_id, class_="public", entitlement=None):
    release = client("POST", "/admin/releases",
                     {"product": product, "version": version, "channels": ["stable"]})
    package = {"upload_id": upload_id, "platform": PLATFORM, "class": class_,
               "filename": f"{product}_{version}_amd64.deb"}
    if entitlement:
        package["entitlement"] = entitlement
    package = client("POST", f"/admin/releases/{release['id']}/packages", package)
    client("POST", f"/admin/releases/{release['id']}/publish")
    return package


class World:
    """One server: a product with `releases` public releases of one small file."""

    def __init__(self, releases):
        self.releases = releases
        self.server = slipway.Server(settings=SETTINGS)
        self.nginx = None

    def start(self):
        self.server.start()
        self.admin = Client(self.server, self.server.login())
        return self

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        if self.nginx:
            self.nginx.close()
        self.server.close()

    @property
    def processes(self):
        """Pids by what they are."""
        found = {"nginx": [], "slipway": []}
        for pid in slipway.descendants(self.server.process.pid):
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            if line.startswith(b"nginx: worker"):
                found["nginx"].append(pid)
            elif not line.startswith(b"nginx:"):
                found["slipway"].append(pid)
        return found

    def fill(self, threads=16):
        """The releases 1.0.0, 1.1.0 … through the API."""
        self.admin("POST", "/admin/products", {"name": PRODUCT, "title": "Demo VPN"})
        data = small_file("1.0.0")
        uploaded = upload(self.admin, "demo.deb", data, len(data))
        numbers, failed = iter(range(self.releases)), []
        lock = threading.Lock()

        def work():
            client = Client(self.server, self.admin.token)
            try:
                while not failed:
                    with lock:
                        n = next(numbers, None)
                    if n is None:
                        return
                    publish(client, PRODUCT, f"1.{n}.0", uploaded["id"])
            except Exception as problem:  # noqa: BLE001: handed to the thread that waits
                failed.append(problem)
        crew = [threading.Thread(target=work) for _ in range(min(threads, self.releases))]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        if failed:
            raise failed[0]
        return self

    def check_path(self, version=None):
        version = version or f"1.{self.releases - 2}.0"
        return f"/api/v1/updates/check?product={PRODUCT}&version={version}&platform={PLATFORM}"

    def blob(self, sha256):
        return f"blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}"

    def second_nginx(self, locations):
        self.nginx = Nginx(self.server, locations)
        return self.nginx


def block_at(text, start):
    """The end of the block whose head is at start."""
    depth = 0
    for i in range(text.index("{", start), len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    raise Failure("nginx.conf: a block without an end")


def quoted(text):
    """As a value in nginx.conf."""
    if "$" in text:
        raise Failure("a reference answer with a dollar sign cannot be written in nginx.conf")
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Nginx:
    """The server's nginx.conf on other ports and with other logs; its HTTPS server once more without
    TLS and with slipway_plaintext, both with the reference locations added."""

    def __init__(self, server, locations):
        self.data = server.data
        self.http, self.https = slipway.free_port(), slipway.free_port()
        self.dir = self.data / "bench"
        self._make_directory()
        (self.data / "bench.conf").write_text(self._derive(locations))
        web = pwd.getpwnam("slipway-web") if os.getuid() == 0 else None
        become = {"user": web.pw_uid, "group": web.pw_gid, "extra_groups": [web.pw_gid]} if web else {}
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-p", "./", "-c", "bench.conf", "-e", "bench/error.log", "-g",
             "daemon off;"], cwd=self.data, stderr=subprocess.PIPE, text=True, **become)
        slipway.wait_until(lambda: self.process.poll() is not None or self._answers(), "nginx")
        if self.process.poll() is not None:
            raise Failure(f"the second nginx: {self.process.stderr.read().strip()}")
        for pid in self.workers:
            share_core(pid)

    def _answers(self):
        """Workers answer; the port alone is open before there are any."""
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def _make_directory(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir()
        self.dir.chmod(0o755)
        if os.getuid() == 0:
            shutil.chown(self.dir, "slipway-web", "slipway-web")

    def _derive(self, locations):
        text = (self.data / "nginx.conf").read_text()
        text = re.sub(r"(?m)^(\s*pid\s+)\S+;", r"\1bench/nginx.pid;", text)
        text = re.sub(r"\blog/([\w-]+\.log)", r"bench/\1", text)
        text = re.sub(r"(_temp_path\s+)run/", r"\1bench/", text)
        starts = [m.start() for m in re.finditer(r"(?m)^\s*server\s*\{", text)]
        blocks = [(start, block_at(text, start)) for start in starts]
        tls = [b for b in blocks if re.search(r"listen[^;]*ssl", text[slice(*b)])]
        if len(tls) != 1:
            raise Failure(f"nginx.conf has {len(tls)} servers with TLS, expected one")
        block = text[slice(*tls[0])]
        opening = block.index("{") + 1
        listen = re.compile(r"(?m)^\s*listen[^;]*;")
        body = listen.sub("", block[opening:-1]) + "\n" + locations + "\n}\n"
        options = re.search(r"listen\s+\S+([^;]*);", block).group(1)
        https = f"\nserver {{ listen 127.0.0.1:{self.https}{options};" + body
        plain = f"\nserver {{ listen 127.0.0.1:{self.http}; slipway_plaintext on;" + body
        for start, end in reversed(blocks):
            text = text[:start] + text[end:]
        end = text.rstrip().rindex("}")
        return text[:end] + https + plain + text[end:]

    @property
    def workers(self):
        return slipway.descendants(self.process.pid)

    def url(self, path, tls=False):
        return (f"https://127.0.0.1:{self.https}" if tls else f"http://127.0.0.1:{self.http}") + path

    def get(self, path, headers=None):
        """One request without TLS; status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=20)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
