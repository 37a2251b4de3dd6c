"""Fixtures shared by the integration tests. `server` runs once per test file and database."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import slipway  # noqa: E402
from redis_server import Redis  # noqa: E402

# They take minutes: begun last, one of them would keep a single worker busy while all others are done.
LONGEST = ("test_crash.py", "test_run.py", "test_serve.py", "test_federation.py", "test_permission_matrix.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name not in LONGEST)


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


@pytest.fixture(scope="session")
def pgbouncer(postgresql):
    """PgBouncer with transaction pooling before it: a function like `postgresql`. It has two
    connections a database, so that all who use it share them from one transaction to the next."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="slipway-pgbouncer-"))
    behind = urllib.parse.parse_qs(urllib.parse.urlsplit(postgresql()).query)["host"][0]
    (directory / "pgbouncer.ini").write_text(f"""
[databases]
* = host={behind} user=slipway
[pgbouncer]
listen_addr =
unix_socket_dir = {directory}
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 500
logfile = {directory}/log
pidfile = {directory}/pid
admin_users = slipway
""")
    become = {}
    if os.getuid() == 0:  # which it refuses to run as
        directory.chmod(0o755)
        shutil.chown(directory, "postgres")
        become = {"user": "postgres", "group": "postgres", "extra_groups": []}
    pooler = subprocess.Popen(["/usr/sbin/pgbouncer", "-q", directory / "pgbouncer.ini"], **become)
    slipway.wait_until(lambda: (directory / ".s.PGSQL.6432").exists() or pooler.poll() is not None,
                       "PgBouncer")
    assert pooler.poll() is None, (directory / "log").read_text()

    def new_database():
        name = urllib.parse.urlsplit(postgresql()).path
        return f"postgresql://slipway@{name}?" + urllib.parse.urlencode(
            {"host": directory, "port": 6432})

    yield new_database
    pooler.terminate()
    pooler.wait(30)
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def redis():
    """A Redis of this test file."""
    running = Redis()
    yield running
    running.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request):
    """The database of a server: tests that take it (or `server`) run on both engines."""
    if request.param == "sqlite":
        return "sqlite"
    # All of it through a pooler: SLIPWAY_TEST_PGBOUNCER=1
    through = "pgbouncer" if os.environ.get("SLIPWAY_TEST_PGBOUNCER") else "postgresql"
    return request.getfixturevalue(through)()


@pytest.fixture(scope="module")
def server(database):
    running = slipway.Server(database)
    try:
        yield running.start()
    finally:
        running.close()
