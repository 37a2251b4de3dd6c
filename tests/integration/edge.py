"""The data plane alone for tests: a real nginx with the module, over a published state filled by
edge-tool (the real libraries) and a directory of blobs. No control plane runs."""
import base64
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from slipway import BUILD, Answer, free_port, wait_until

MODULE = BUILD / "ngx_http_slipway_module.so"
TOOL = BUILD / "tests/tools/edge-tool"
ISSUER = "https://vpn.example"
POOL = "edges"
EDGE = "edge-1"
DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789"

CONFIG = """
{user}
daemon off;
worker_processes {workers};
pid {dir}/nginx.pid;
error_log {dir}/error.log {level};
worker_rlimit_nofile 2048;
load_module {module};
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {dir}/temp/body;
    proxy_temp_path {dir}/temp/proxy;
    fastcgi_temp_path {dir}/temp/fastcgi;
    uwsgi_temp_path {dir}/temp/uwsgi;
    scgi_temp_path {dir}/temp/scgi;
    sendfile on;
    client_max_body_size 1k;
    large_client_header_buffers 4 16k;
    client_header_timeout 2s;
    lingering_timeout 200ms;

    slipway_state state;
    slipway_blobs {dir}/blobs;
    slipway_issuer {issuer};
    slipway_audience {issuer};
    slipway_pool {pool};
    slipway_edge {edge};
    slipway_token_cache 64k;
    slipway_country $http_x_country;

    log_format everything '$remote_addr "$request" "$request_uri" "$uri" "$args" "$arg_token"'
        ' "$http_referer" $status $request_filename $upstream_addr';
    log_format facts escape=json '{{"kind":"$slipway_kind","verdict":"$slipway_verdict",'
        '"reason":"$slipway_reason","status":$status,"subject":"$slipway_subject",'
        '"jti":"$slipway_jti","device":"$slipway_device","download":"$slipway_download",'
        '"package":"$slipway_package","product":"$slipway_product","platform":"$slipway_platform",'
        '"channel":"$slipway_channel","installed":"$slipway_installed",'
        '"offered":"$slipway_offered","counted":"$slipway_counted","range":"$slipway_range",'
        '"size":"$slipway_size","sent":$body_bytes_sent,"complete":"$request_completion",'
        '"time_us":"$slipway_time_us","id":"$slipway_request_id","uri":"$request_uri"}}';
    access_log {dir}/access.log everything;
    access_log {dir}/facts.log facts;
    limit_conn_zone $slipway_subject zone=subjects:1m;
    {http}

    server {{
        listen 127.0.0.1:{http_port};
        slipway_plaintext on;
        {server}
    }}
    server {{
        listen 127.0.0.1:{tls_port} ssl http2;
        ssl_certificate {dir}/tls.pem;
        ssl_certificate_key {dir}/tls.pem;
        {server}
    }}
    server {{
        listen 127.0.0.1:{plain_port};
        {server}
    }}
    server {{
        listen unix:{dir}/upstream.sock;
        slipway_plaintext on;
        location / {{ return 200 "$request_uri $http_referer"; }}
    }}
}}
"""

SERVER = """
        location /d/ { slipway_download; }
        location = /api/v1/updates/check { slipway_update_check; }
        location /limited/ { limit_conn subjects 1; }
        location /echo/ { proxy_pass http://unix:%(dir)s/upstream.sock; }
        location /broken/ { proxy_pass http://127.0.0.1:9; }
        location /misplaced { slipway_download; }
        location = /problem { internal; slipway_problem; }
        error_page 404 413 502 /problem;
"""


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Edge:
    """One nginx over one state. Everything is in a directory of its own."""

    def __init__(self, workers=1, server=SERVER, http="", level="info", publish=True):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="slipway-edge-"))
        self.state, self.blobs = self.dir / "state", self.dir / "blobs"
        self.http_port, self.tls_port, self.plain_port = free_port(), free_port(), free_port()
        self.process = None
        self.count = 0
        (self.dir / "temp").mkdir()
        self.blobs.mkdir()
        for kind in ("access", "device", "download"):
            subprocess.run([TOOL, "key", self.key(kind)], check=True)
        self._make_certificate()
        (self.dir / "nginx.conf").write_text(CONFIG.format(
            user="user root;" if os.getuid() == 0 else "", dir=self.dir, module=MODULE,
            workers=workers, issuer=ISSUER, pool=POOL, edge=EDGE, level=level, http=http,
            http_port=self.http_port, tls_port=self.tls_port, plain_port=self.plain_port,
            server=server % {"dir": self.dir}))
        if publish:
            self.publish_keys()

    def key(self, kind):
        return self.dir / f"{kind}.pem"

    def _make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", self.dir / "tls.key", "-out", self.dir / "tls.crt", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
            check=True, capture_output=True)
        (self.dir / "tls.pem").write_text(
            (self.dir / "tls.key").read_text() + (self.dir / "tls.crt").read_text())

    # publishing -------------------------------------------------------------------------------

    def apply(self, *changes):
        subprocess.run([TOOL, "apply", self.state], input=json.dumps(changes), text=True, check=True)

    def publish_keys(self):
        self.apply(*({"type": "key", "kind": kind, "kid": f"{kind}-1", "pem": str(self.key(kind))}
                     for kind in ("access", "device", "download")))

    def product(self, name="vpn", **more):
        self.apply({"type": "product", "name": name, "id": f"prd_{name}", "title": name,
                    "next_check_s": 3600, **more})

    def release(self, version, product="vpn", platform="linux-x86_64", channel=0, packages=None,
                **more):
        release_id = more.pop("id", f"rel_{product}_{version}")
        return {"type": "release", "product": product, "platform": platform, "channel": channel,
                "id": release_id, "version": version,
                "packages": packages if packages is not None
                else [self.package(f"{product}_{version}.deb")], **more}

    def package(self, filename, **more):
        digest = hashlib.sha256(filename.encode()).hexdigest()
        return {"id": f"pkg_{filename}", "filename": filename, "format": "deb", "sha256": digest,
                "size": 1000, "class": 0, **more}

    def blob(self, data):
        digest = hashlib.sha256(data).hexdigest()
        path = self.blobs / digest[:2] / digest[2:4] / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return digest

    def claims(self, kind, **more):
        self.count += 1
        now = int(time.time())
        claims = {"kid": f"{kind}-1", "iss": ISSUER, "aud": POOL if kind == "download" else ISSUER,
                  "jti": f"jti_{self.count}", "iat": now, "exp": now + 900}
        if kind == "access":
            claims |= {"sub": "acc_1", "account": "acc_1", "client_id": "cli", "role": "user"}
        elif kind == "device":
            claims |= {"sub": "dev_1", "device": "dev_1", "account": "acc_1"}
        else:
            claims |= {"sub": "psub_1", "download": f"dl_{self.count}"}
        if "licence" in more:
            claims["product"] = "prd_vpn"
        return claims | more

    def token(self, kind, key=None, **more):
        claims = self.claims(kind, **more)
        done = subprocess.run([TOOL, "token", key or self.key(kind), kind], text=True, check=True,
                              input=json.dumps(claims), stdout=subprocess.PIPE)
        return done.stdout.strip()

    def download_token(self, digest, filename, **more):
        return self.token("download", digest=digest, filename=filename, package="pkg_1", **more)

    # running ----------------------------------------------------------------------------------

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-p", self.dir, "-c", self.dir / "nginx.conf",
             "-e", self.dir / "error.log"], stderr=subprocess.PIPE, text=True)
        wait_until(lambda: self.process.poll() is not None or self._answers(), "nginx")
        assert self.process.poll() is None, self.process.stderr.read()
        return self

    def _answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.http_port)) == 0

    def workers(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                                  text=True).stdout.split()
        return [int(pid) for pid in children]

    def close_nginx(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)

    def close(self):
        self.close_nginx()
        shutil.rmtree(self.dir, ignore_errors=True)

    # asking -----------------------------------------------------------------------------------

    def get(self, path, headers=None, token=None, method="GET", port=None, body=None):
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", port or self.http_port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def check(self, query="product=vpn&version=1.0.0&platform=linux-x86_64", **more):
        return self.get("/api/v1/updates/check?" + query, **more)

    def curl(self, *options):
        return subprocess.run(["curl", "-sS", "--cacert", self.dir / "tls.crt", "--max-time", "30",
                               *options], capture_output=True)

    def raw(self, data, port=None, tls=False):
        """Sends bytes as they are; returns what comes until the connection ends."""
        with socket.create_connection(("127.0.0.1", port or self.http_port), timeout=20) as s:
            if tls:
                context = ssl.create_default_context(cafile=str(self.dir / "tls.crt"))
                s = context.wrap_socket(s, server_hostname="127.0.0.1")
            s.sendall(data)
            received = b""
            while True:
                try:
                    part = s.recv(65536)
                except (ConnectionResetError, TimeoutError):
                    return received
                if not part:
                    return received
                received += part

    # reading logs -----------------------------------------------------------------------------

    def logs(self):
        return "".join((self.dir / name).read_text(errors="replace")
                       for name in ("access.log", "error.log", "facts.log")
                       if (self.dir / name).exists())

    def facts(self):
        path = self.dir / "facts.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def fact(self, **wanted):
        """The one log line with these members; waits for it: a line is written after the answer."""
        def find():
            return [line for line in self.facts()
                    if all(line.get(key) == value for key, value in wanted.items())]
        return wait_until(find, f"a log line with {wanted}")[-1]
