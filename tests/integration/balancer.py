"""The balancer of deploy/nginx/balancer.conf, as a real nginx over two nodes of slipway.py."""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile

import slipway
from slipway import Answer, wait_until

CONFIG = slipway.ROOT / "deploy" / "nginx" / "balancer.conf"
NAME = "downloads.example.com"
MAIN = """
{user}
daemon off;
worker_processes 1;
pid {dir}/pid;
error_log {dir}/start.log warn;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    include {dir}/balancer.conf;
}}
"""


class Balancer:
    """nodes: two of slipway.Server that run, with NAME among their server_name."""

    def __init__(self, one, other):
        self.one, self.other = self.nodes = one, other
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="slipway-balancer-"))
        self.https, self.http = slipway.free_port(), slipway.free_port()
        self.url, self.ca = f"https://127.0.0.1:{self.https}", self.dir / "balancer.pem"
        self.log = self.dir / "slipway.log"
        self.source = "127.0.0.1"
        self.last = None
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", self.dir / "balancer.key", "-out", self.ca, "-days", "2", "-subj", f"/CN={NAME}",
             "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1"], check=True, capture_output=True)
        self.write([f"127.0.0.1:{node.https}" for node in self.nodes])
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", self.dir, "-c", self.dir / "nginx.conf",
                                         "-e", self.dir / "start.log"])
        wait_until(self.answers, "the balancer")

    def write(self, addresses):
        """The configuration as it is in deploy/, but for what is the reader's own."""
        text = CONFIG.read_text()
        for theirs, ours in {
                "10.0.0.11:443": addresses[0], "10.0.0.12:443": addresses[1],
                "listen 443 ": f"listen 127.0.0.1:{self.https} ", "listen 80;": f"listen 127.0.0.1:{self.http};",
                "\tlisten [::]:443 ssl http2;\n": "", "\tlisten [::]:80;\n": "",
                "/etc/slipway/balancer": f"{self.dir}/balancer", "/etc/slipway/ca.pem": str(self.one.ca),
                "/var/log/nginx": str(self.dir)}.items():
            assert theirs in text, f"{CONFIG.name} has no {theirs!r}"
            text = text.replace(theirs, ours)
        (self.dir / "balancer.conf").write_text(text)
        (self.dir / "nginx.conf").write_text(MAIN.format(
            dir=self.dir, user="user root;" if os.getuid() == 0 else ""))

    def answers(self):
        assert self.process.poll() is None, (self.dir / "start.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.https), 5):
            return True

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.dir)

    # Requests ---------------------------------------------------------------------------------------

    def request(self, method, path, body=None, token=None, headers=None, source=None):
        """From an address of this machine: each of 127.0.0.0/8 is another client."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.https, context=ssl.create_default_context(cafile=str(self.ca)), timeout=30,
            source_address=(source or self.source, 0))
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            self.last = Answer(response.status, response.headers, response.read())
            return self.last
        finally:
            connection.close()

    def api(self, method, path, body=None, token=None, status=None, **more):
        answer = self.request(method, "/api/v1" + path, body, token, **more)
        if status is not None:
            assert answer.status == status, f"{method} {path}: {answer}"
        return answer.json if answer.body else None

    def node_of(self, answer):
        """The node that gave this answer: it has its id in its access log."""
        wanted = f'"request_id":"{answer.headers["X-Request-Id"]}"'

        def found():
            return [node for node in self.nodes if wanted in (node.data / "log" / "access.log").read_text()]
        (node,) = wait_until(found, f"a node that knows {answer}")
        return node

    def leave(self, answer=None):
        """Has the next request go to another node than the one that gave this answer (the last one)."""
        here = self.node_of(answer or self.last)
        while self.node_of(self.request("GET", "/api/v1/auth/providers")) is not here:
            pass
        return here

    def elsewhere(self, method, path, body=None, token=None, status=200, **more):
        """A request that is answered by another node than the last one was."""
        here = self.leave()
        answer = self.api(method, path, body, token, status, **more)
        assert self.node_of(self.last) is not here
        return answer
