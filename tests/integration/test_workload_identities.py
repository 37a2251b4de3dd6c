"""Keyless publishing: jobs of a CI provider exchange its token for a short-lived one of ours. An issuer
of our own making that lies, identities that end, tokens in wrong places. Both databases."""
import concurrent.futures
import subprocess
import time
import urllib.parse

import pytest

import ci
import control
from ci import exchange, github_claims, gitlab_claims
from control import ADMIN_EMAIL, claims_of

HERE = "https://slipway.test"
PUBLISH = ["upload.write", "release.write", "release.read.draft", "release.publish.stable"]


@pytest.fixture(scope="module")
def plane(database):
    running = control.Control(database, ["net.allow_insecure_loopback=true", "login.attempts=1000",
                                         f"public_url={HERE}"])
    try:
        running.start()
        running.admin = running.administrator()
        for name in ("vpn", "desk"):
            running.api("POST", "/admin/products", {"name": name, "title": name}, running.admin, 201)
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def issuer():
    running = ci.Issuer()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def honest(plane, issuer):
    issuer.lie, issuer.job = None, github_claims()
    yield
    for one in plane.api("GET", "/admin/workload-identities", token=plane.admin, status=200)["items"]:
        plane.api("DELETE", f"/admin/workload-identities/{one['id']}", token=plane.admin, status=204)


def conditions(**wanted):
    return [{"claim": claim, "pattern": pattern} for claim, pattern in wanted.items()]


def make(plane, issuer, name="release", token=None, status=201, wanted=None, **more):
    body = {"name": name, "issuer": issuer.issuer, "permissions": PUBLISH, "products": ["vpn"],
            "conditions": conditions(**(wanted or {"repository": "acme/vpn", "ref": "refs/tags/v*"})),
            **more}
    return plane.api("POST", "/admin/workload-identities", body, token or plane.admin, status)


def audit(plane, **filters):
    return plane.api("GET", "/admin/audit?limit=200&" + urllib.parse.urlencode(filters),
                     token=plane.admin, status=200)["items"]


def test_a_job_gets_a_token(plane, issuer):
    made = make(plane, issuer)
    got = exchange(plane, issuer.token(HERE))
    assert got["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert (got["token_type"], got["expires_in"]) == ("Bearer", 900)
    assert set(got["scope"].split()) == {*PUBLISH, "product:vpn"}
    assert "refresh_token" not in got
    claims = claims_of(got["access_token"])
    assert claims["sub"] == claims["client_id"] == made["id"] and made["id"].startswith("wli_")
    assert claims["exp"] - claims["iat"] == 900
    assert plane.api("GET", "/admin/releases?product=vpn", token=got["access_token"], status=200) is not None
