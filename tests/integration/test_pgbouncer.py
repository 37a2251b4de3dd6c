"""The control plane over PgBouncer with transaction pooling: a connection to the server is ours for
one transaction only, and somebody else's before and after. The whole suite runs so with
SLIPWAY_TEST_PGBOUNCER=1."""
import concurrent.futures
import subprocess

import pytest

import control
from test_delivery import activate, grant, licence, publish_all

CLIENTS = 12


@pytest.fixture(scope="module")
def plane(pgbouncer):
    with control.running(pgbouncer(), ["api.threads=64"]) as running:
        running.packages = publish_all(running)
        yield running


def ask(plane, text):
    """What the server says over a connection of the pool."""
    return subprocess.run(["psql", "-XAtq", "-d", plane.database, "-c", text], check=True,
                          capture_output=True, text=True).stdout.split()


def test_customers_at_the_same_time(plane):
    """Each activates a device, is granted downloads and reports one; then all of it is
    recorded once."""
    # One after another: their passwords are hashed, and only so many at once.
    customers = [plane.account(plane.admin, f"pooled{i}@example.com") for i in range(CLIENTS)]

    def work(number):
        customer = customers[number]
        made = licence(plane, customer)
        device = activate(plane, made["licence_key"], number)
        granted = [grant(plane, "licensed", device["access_token"]) for _ in range(4)]
        plane.api("PUT", "/downloads/complete",
                  {"download_id": granted[0]["download_id"], "status": "success",
                   "bytes": granted[0]["size"], "duration_ms": 5}, device["access_token"], 200)
        return customer["id"], granted

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as crew:
        done = list(crew.map(work, range(CLIENTS)))
    for account, granted in done:
        listed = plane.api("GET", f"/admin/downloads?account={account}", token=plane.admin, status=200)
        assert {d["id"] for d in listed["items"]} == {g["download_id"] for g in granted}
        assert sorted(d["state"] for d in listed["items"]) == ["completed"] + ["granted"] * 3
    backends = ask(plane, "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()")
    assert 1 <= int(backends[0]) <= 2, "more than the pool has"


def test_nothing_is_left_in_a_connection(plane):
    """No prepared statement, no setting, no lock that the next one to have it would meet."""
    for _ in range(4):
        assert ask(plane, "SELECT COUNT(*) FROM pg_prepared_statements") == ["0"]
        assert ask(plane, "SHOW statement_timeout") == ["0"]
        assert ask(plane, "SHOW transaction_isolation") == ["read", "committed"]
        assert ask(plane, "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'") == ["0"]
