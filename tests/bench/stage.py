"""The small server with all that the rows need: files, a customer's device, the second nginx."""
import base64
import hashlib
import json
import pathlib
import re
import time

import world
from measure import Failure
from world import deb, publish, small_file, upload

SECRET = "bench"
SECURE_LINK = """
    location /ref/secure/ {
        secure_link $arg_md5,$arg_expires;
        secure_link_md5 "$secure_link_expires$uri %s";
        if ($secure_link != "1") { return 403; }
        open_file_cache max=10000 inactive=60s;
        open_file_cache_valid 60s;
        alias %s;
    }
"""
FILE = """
    location = %s {
        open_file_cache max=10000 inactive=60s;
        open_file_cache_valid 60s;
        alias %s;
    }
"""
ANSWER = """
    location = %s { access_log off; default_type application/json; return 200 %s; }
"""


class Stage:
    """The small server with all that the rows need: files, a customer's device, the second nginx."""

    def __init__(self):
        self.world = world.World(10)
        try:
            self._set_up()
        except BaseException:
            self.world.__exit__()
            raise

    def _set_up(self):
        self.world.start().fill()
        self.server, self.admin = self.world.server, self.world.admin
        self.admin("POST", "/admin/products", {"name": world.LICENSED, "title": "Demo VPN Pro"})
        data = small_file("1.0.0")
        self.small = self._publish("1.0.0", data, len(data))
        self.large = self._publish("2.0.0", *deb("2.0.0", 50_000_000))
        self._make_customer()
        self.device_path = (f"/api/v1/updates/check?product={world.LICENSED}&version=1.0.0"
                            f"&platform={world.PLATFORM}")
        self.paths_file = self.server.dir / "paths"
        self.nginx = self.world.second_nginx(self._locations())

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.world.__exit__(*problem)

    def _publish(self, version, content, length):
        uploaded = upload(self.admin, "file.deb", content, length)
        return publish(self.admin, world.LICENSED, version, uploaded["id"], "licensed",
                       world.ENTITLEMENT)

    def _make_customer(self):
        email = "customer@example.com"
        self.admin("POST", "/admin/accounts",
                   {"email": email, "role": "user", "password": "a customer's long password"})
        licence = self.admin("POST", "/admin/licences", {
            "account": email, "product": world.LICENSED, "entitlements": [world.ENTITLEMENT],
            "max_devices": 10})
        device = {"name": "bench", "os": "linux", "arch": "amd64",
                  "fingerprint": "the device of the benchmark"}
        self.tokens = self.server.api("POST", "/licences/activate", {
            "licence_key": licence["licence_key"], "device": device}, status=200).json

    def _locations(self):
        public = self.server.request("GET", self.world.check_path())
        device = self.server.request("GET", self.device_path, token=self.tokens["device_token"])
        for answer in (public, device):
            if answer.status != 200 or not answer.json["update"]:
                raise Failure(f"an update check that should offer one: {answer}")
        small, large = (self.world.blob(p["sha256"]) for p in (self.small, self.large))
        return (ANSWER % ("/ref/public", world.quoted(public.body.decode()))
                + ANSWER % ("/ref/device", world.quoted(device.body.decode()))
                + FILE % ("/ref/small", small) + FILE % ("/ref/large", large)
                + SECURE_LINK % (SECRET, str(pathlib.PurePath(small).parent) + "/"))

    def grant(self, package):
        """A download token: the answer of the grant."""
        return self.server.api("POST", "/downloads/token", {"package_id": package["id"]},
                               token=self.tokens["access_token"], status=200).json

    def path_of(self, grant):
        return re.sub(r"^https?://[^/]+", "", grant["url"])

    def secure_path(self):
        uri = f"/ref/secure/{self.small['sha256']}"
        expires = int(time.time()) + 3600
        digest = hashlib.md5(f"{expires}{uri} {SECRET}".encode()).digest()
        text = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return f"{uri}?md5={text}&expires={expires}"

    def granted_paths(self):
        """How many downloads were granted to grant.lua, which keeps their paths in paths_file."""
        if not self.paths_file.exists():
            return 0
        with open(self.paths_file) as lines:
            return sum(1 for _ in lines)

    def logged_downloads(self):
        """The lines that the second nginx has logged for these downloads, one for each."""
        lines = {}
        with open(self.nginx.dir / "events.log", "rb") as log:
            for line in log:
                event = json.loads(line)
                if event["file"] == self.small["filename"]:
                    lines.setdefault(event["download"], line)
        return list(lines.values())
