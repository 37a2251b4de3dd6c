"""slipway-update with a server that lies: hijacked, but without the publisher's key."""
import pytest

from lying_server import Liar
from update_client import Client, client, licence, package  # noqa: F401


@pytest.fixture(scope="module")
def database():
    return "sqlite"


def the_old_package(server, licence):
    """What an honest server says to a client that has nothing: 1.0.0, of the publisher."""
    return server.request("GET", "/api/v1/updates/check?product=vpn&version=0.9.0"
                                 "&platform=linux-amd64").json


@pytest.mark.parametrize("installed", ["1.0.0", "1.1.0", "2.0.0", "1.0.0+build"])
def test_no_way_back(server, licence, package, tmp_path, installed):
    old = the_old_package(server, licence)
    assert old["version"] == "1.0.0" and old["update"]

    def offer_old(path, answer):
        return old if path.startswith("/api/v1/updates/check") else answer
    with Liar(server, offer_old) as liar:
        device = Client(server, tmp_path / "state", licence["licence_key"], installed=installed)
        for command in (("check",), ("download", "--output", tmp_path / "out", "--publisher-key",
                                     package.parent / "publisher.pub")):
            assert device.run(*command, url=liar.url, check=16)["code"] == "downgrade"
        assert not (tmp_path / "out").exists()
        honest = Client(server, tmp_path / "state", licence["licence_key"], installed="0.9.0")
        assert honest.run("check", url=liar.url)["version"] == "1.0.0"


def test_no_version_at_all(server, licence, package, tmp_path):
    def change(path, answer):
        return {**answer, "version": "new"} if "updates/check" in path else answer
    with Liar(server, change) as liar:
        device = Client(server, tmp_path / "state", licence["licence_key"])
        assert device.run("check", url=liar.url, check=16)["code"] == "answer"


def test_a_licence_shows_its_own_product_only(server, licence, package, tmp_path):
    """What the device of a customer of one product is told of another one it may not have."""
    server.cli("product", "create", "other")
    server.publish(package, "other", "3.0.0", "linux-amd64", "stable", "licensed")
    device = server.api("POST", "/licences/activate", {
        "licence_key": licence["licence_key"],
        "device": {"name": "d", "os": "linux", "arch": "amd64", "fingerprint": "f" * 32}}, status=200).json
    renewed = server.api("POST", "/auth/refresh", {"refresh_token": device["refresh_token"]}).json
    for token in (device["device_token"], renewed["device_token"], renewed["access_token"]):
        answers = {product: server.request(
            "GET", f"/api/v1/updates/check?product={product}&version=1.0.0&platform=linux-amd64",
            token=token).json for product in ("vpn", "other")}
        assert answers["vpn"]["update"]
        assert not answers["other"]["update"] and answers["other"]["policy"] == "licence_required"
        assert not answers["other"]["package"] and not answers["other"]["release_id"]
