"""slipway-update as a device, for tests: a product with a licensed release, a licence, a client."""
import hashlib
import json
import os
import subprocess

import pytest

import slipway

SIZE = 6_000_000


class Client:
    """One device: a state directory, and slipway-update run with it."""

    def __init__(self, server, state, licence=None, product="vpn", installed="1.0.0"):
        self.server, self.state, self.licence = server, state, licence
        self.product, self.installed = product, installed
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
        self.env["HOME"] = str(state.parent)

    def words(self, *words, url=None):
        if self.licence:
            words += ("--licence-key", self.licence)
        return [str(w) for w in (
            slipway.UPDATE, "--server", url or self.server.url, "--ca", self.server.ca,
            "--product", self.product, "--platform", "linux-amd64", "--installed", self.installed,
            "--state", self.state, *words, "--json")]

    def run(self, *words, check=0, url=None):
        done = subprocess.run(self.words(*words, url=url), env=self.env, capture_output=True,
                              text=True, timeout=120)
        assert done.returncode == check, done
        if check == 0:
            return json.loads(done.stdout) if done.stdout.strip() else None
        return json.loads(done.stderr.splitlines()[-1])

    def start(self, *words, url=None):
        return subprocess.Popen(self.words(*words, url=url), env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def package(server, tmp_path_factory):
    """vpn 1.0.0 (public) and 1.1.0 (licensed, signed); gives the file of 1.1.0."""
    folder = tmp_path_factory.mktemp("packages")
    subprocess.run([slipway.SLIPWAY, "keygen", "--output", folder / "publisher"], check=True,
                   capture_output=True)
    server.cli("product", "create", "vpn")
    server.cli("product", "add-key", "vpn", folder / "publisher.pub")
    key = ("--sign-key", folder / "publisher.key")
    old = slipway.make_deb(folder / "vpn_1.0.0_amd64.deb", "vpn", "1.0.0")
    new = slipway.make_deb(folder / "vpn_1.1.0_amd64.deb", "vpn", "1.1.0", size=SIZE)
    server.publish(old, "vpn", "1.0.0", "linux-amd64", "stable", "public", *key)
    server.publish(new, "vpn", "1.1.0", "linux-amd64", "stable", "licensed", "--entitlement",
                   "vpn-client", *key)
    password = folder / "password"
    password.write_text("a customer's password\n")
    password.chmod(0o600)
    server.cli("account", "create", "--email", "customer@example.com", "--role", "user",
               "--password-file", password)
    return new


@pytest.fixture
def licence(server, package):
    return server.cli("licence", "create", "--account", "customer@example.com", "--product", "vpn",
                      "--entitlement", "vpn-client", "--max-devices", 2)


@pytest.fixture
def client(server, licence, tmp_path):
    return Client(server, tmp_path / "state", licence["licence_key"])


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def part_of(output):
    return next(iter(output.glob("*.part")), None)


def wait_for_part(output, size):
    return slipway.wait_until(
        lambda: (part := part_of(output)) and part.stat().st_size > size and part,
        f"{size} bytes of the download")
