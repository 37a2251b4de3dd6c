"""Fixtures shared by the integration tests. `server` runs once per test file and database."""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import slipway  # noqa: E402

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory):
    """A throw-away PostgreSQL of this test run; gives a function that makes an empty database."""
    started = subprocess.Popen([SUPPORT / "postgres.sh"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    url = started.stdout.readline().strip()
    if not url:
        pytest.fail("tests/support/postgres.sh did not start PostgreSQL")
    count = 0

    def new_database():
        nonlocal count
        count += 1
        name = f"slipway_test_{count}"
        subprocess.run(["psql", "-q", "-d", url, "-c", f"CREATE DATABASE {name}"], check=True)
        head, _, query = url.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")

    yield new_database
    started.stdin.close()
    started.wait(30)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request):
    """The database of a server: tests that take it (or `server`) run on both engines."""
    if request.param == "sqlite":
        return "sqlite"
    return request.getfixturevalue("postgresql")()


@pytest.fixture(scope="module")
def server(database):
    running = slipway.Server(database)
    try:
        yield running.start()
    finally:
        running.close()
