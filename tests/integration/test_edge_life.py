"""The data plane when things around it come late, die or are exchanged."""
import os
import shutil
import signal
import subprocess
import threading

import pytest

from edge import MODULE, Edge
from slipway import wait_until
from test_edge_check import assert_problem

DATA = os.urandom(1 << 20)


@pytest.fixture
def edge():
    running = Edge(workers=2)
    try:
        running.product()
        running.apply(running.release("2.0.0"))
        yield running
    finally:
        running.close()


def readers(edge):
    """The slots of the reader table: process, and the transaction it looks at ("-": none)."""
    table = subprocess.run(["mdb_stat", "-r", edge.state], capture_output=True, text=True).stdout
    assert table.startswith("Reader Table Status"), table
    lines = [line.split() for line in table.splitlines() if line.strip()[:1].isdigit()]
    return [(int(pid), snapshot) for pid, _, snapshot in lines]


def is_update(edge):
    """The version offered, or None: 404 and 503 are answers of a state that is on its way."""
    answer = edge.check()
    return answer.json["version"] if answer.status == 200 else None


def test_state_comes_late():
    edge = Edge(publish=False)
    try:
        edge.start()
        token = edge.download_token(edge.blob(DATA), "f")
        assert_problem(edge.check(), 503, "state_unavailable")
        answer = edge.get(f"/d/{token}/f")
        assert_problem(answer, 503, "state_unavailable")
        assert answer.headers["Retry-After"]
        assert not edge.state.exists()  # a reader makes nothing
        edge.state.mkdir()
        (edge.state / "data.mdb").write_bytes(b"")  # a writer's first moment
        assert edge.check().status == 503
        edge.publish_keys()
        edge.product()
        edge.apply(edge.release("2.0.0"))
        wait_until(lambda: is_update(edge), "the state")
        assert edge.get(f"/d/{token}/f").body == DATA
        log = (edge.dir / "error.log").read_text()
        assert log.count("cannot open the published state") == 1
    finally:
        edge.close()


def test_damaged_state(edge):
    edge.state.joinpath("data.mdb").write_bytes(b"damaged" * 4096)
    edge.start()
    assert_problem(edge.check(), 503, "state_unavailable")
    shutil.rmtree(edge.state)
    edge.publish_keys()
    edge.product()
    edge.apply(edge.release("2.0.0"))
    wait_until(lambda: is_update(edge), "the new state")


def test_state_is_exchanged(edge):
    edge.start()
    assert is_update(edge)
    shutil.rmtree(edge.state)
    wait_until(lambda: edge.check().status == 503, "the loss to be noticed")
    edge.publish_keys()
    edge.product()
    edge.apply(edge.release("3.0.0"))
    wait_until(lambda: is_update(edge) == "3.0.0", "the new state")


def test_a_new_state_shows_nothing_of_the_old(edge):
    """States that have seen as many changes are told apart: nothing is remembered from the old."""
    edge.start()
    token = edge.token("device", jti="jti_moved")
    assert [edge.check(token=token).status for _ in range(3)] == [200] * 3
    shutil.rmtree(edge.state)
    edge.publish_keys()
    edge.product()
    edge.apply({"type": "revoked", "jti": "jti_moved", "expires": 0})
    wait_until(lambda: edge.check().json.get("version", "") is None, "the new state")
    assert edge.check(token=token).status == 401


def test_worker_is_killed(edge):
    edge.start()
    digest = edge.blob(DATA)
    token = edge.download_token(digest, "f")
    stop, failures, answers = threading.Event(), [], []

    def load():
        while not stop.is_set():
            try:
                answer = edge.get(f"/d/{token}/f", headers={"Range": "bytes=0-99"})
                answers.append(answer.status)
                if answer.body != DATA[:100]:
                    failures.append(answer)
            except OSError:
                pass  # the connection of a worker that was killed
            except Exception as e:  # http.client's own
                if "RemoteDisconnected" not in type(e).__name__ and "Incomplete" not in type(e).__name__:
                    failures.append(e)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        for _ in range(5):
            before = set(wait_until(lambda: len(w := edge.workers()) == 2 and w, "two workers"))
            victim = before.pop()
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: victim not in edge.workers() and len(edge.workers()) == 2, "a new worker")
            seen = len(answers)
            wait_until(lambda: len(answers) > seen + 20, "answers after the kill")
            edge.product(f"p{victim}")  # the writer goes on, too
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not failures and set(answers) == {206}
    # dead readers would keep the state growing for ever
    assert {pid for pid, _ in readers(edge)} <= set(edge.workers())


def test_reload_and_stop(edge):
    edge.start()
    assert is_update(edge)
    old = set(edge.workers())
    edge.process.send_signal(signal.SIGHUP)
    wait_until(lambda: edge.workers() and not old & set(edge.workers()), "new workers")
    assert is_update(edge)
    edge.process.send_signal(signal.SIGQUIT)
    assert edge.process.wait(20) == 0
    log = (edge.dir / "error.log").read_text()
    assert "exited on signal" not in log and "[alert]" not in log and "[emerg]" not in log


def test_no_transaction_stays_open(edge):
    """After any kind of request no reader holds a snapshot: else the state would only ever grow."""
    edge.start()
    token = edge.download_token(edge.blob(DATA), "f")
    for path in ("/api/v1/updates/check", "/api/v1/updates/check?product=vpn&version=1.0.0&platform=a-b",
                 f"/d/{token}/f", f"/d/{token}/g", "/d/f", "/d/eyJ/x", f"/limited/?token={token}"):
        edge.get(path)
        edge.get(path, method="HEAD")
    assert all(snapshot == "-" for _, snapshot in readers(edge))
    size = lambda: edge.state.joinpath("data.mdb").stat().st_size
    for i in range(20):
        edge.apply({"type": "revoked", "jti": "same", "expires": i})
    before = size()
    for i in range(60):
        edge.apply({"type": "revoked", "jti": "same", "expires": i})
        edge.check()
    assert size() == before


def nginx_test(tmp_path, directives, location="slipway_download;"):
    (tmp_path / "t.conf").write_text(
        f"load_module {MODULE}; pid {tmp_path}/pid; events {{}} http {{ {directives}"
        f" client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;"
        f" uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s; access_log off;"
        f" server {{ listen unix:{tmp_path}/s.sock; location /d/ {{ {location} }} }} }}")
    done = subprocess.run(["/usr/sbin/nginx", "-t", "-p", tmp_path, "-c", tmp_path / "t.conf", "-e", tmp_path / "e.log"],
                          capture_output=True, text=True)
    return done.returncode, done.stderr


GOOD = "slipway_state s; slipway_blobs b; slipway_issuer i; slipway_audience a; slipway_pool p;"


@pytest.mark.parametrize("directives,location,complaint", [
    (GOOD, "slipway_download;", None),
    ("", "return 204;", None),
    ("", "slipway_download;", '"slipway_state" is missing'),
    ("", "slipway_update_check;", '"slipway_state" is missing'),
    (GOOD.replace("slipway_blobs b;", ""), "return 204;", '"slipway_blobs" is missing'),
    (GOOD.replace("slipway_issuer i;", ""), "return 204;", '"slipway_issuer" is missing'),
    (GOOD.replace("slipway_pool p;", ""), "return 204;", '"slipway_pool" is missing'),
    (GOOD + "slipway_state twice;", "return 204;", "is duplicate"),
    (GOOD + "slipway_token_cache much;", "return 204;", "invalid value"),
    (GOOD + "slipway_plaintext maybe;", "return 204;", 'must be "on" or "off"'),
    (GOOD, "slipway_download yes;", "invalid number of arguments"),
])
def test_configuration(tmp_path, directives, location, complaint):
    code, said = nginx_test(tmp_path, directives, location)
    assert (code == 0) is (complaint is None), said
    if complaint:
        assert complaint in said


def test_only_the_module_table_is_exported():
    names = subprocess.run(["nm", "-D", "--defined-only", MODULE], capture_output=True, text=True, check=True).stdout
    assert {line.split()[-1] for line in names.splitlines()} == {"ngx_modules", "ngx_module_names", "ngx_module_order"}


