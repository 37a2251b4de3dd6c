"""`slipway serve`: start, users, supervision, reload, stop, TLS, and what nginx itself answers."""
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import threading
import time
import urllib.parse

import pytest
import slipway
from slipway import SLIPWAY, Server, free_port, wait_until

ROOT = os.geteuid() == 0
on_both = pytest.mark.parametrize("own", ["sqlite", "postgresql"], indirect=True)
as_root = pytest.mark.skipif(not ROOT, reason="needs root")
NGINX_CAPABILITIES = 1 << 10                                         # NET_BIND_SERVICE
SUPERVISOR_CAPABILITIES = NGINX_CAPABILITIES | 1 << 5 | 1 << 6 | 1 << 7  # KILL SETGID SETUID


@pytest.fixture(scope="module")
def running():
    server = Server()
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def own(request):
    """A server of this test alone, initialised but not started."""
    engine = getattr(request, "param", "sqlite")
    server = Server(request.getfixturevalue("postgresql")() if engine == "postgresql" else engine)
    try:
        yield server
    finally:
        server.close()


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def children(server):
    """Process ids of the supervisor's children by what they are."""
    found = {}
    for child in pathlib.Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            found[status_of(child)["Name"].removeprefix("slipway-")] = int(child)
    return found


def workers(master):
    return [int(p) for p in pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def is_alive(pid):
    with contextlib.suppress(OSError):
        return status_of(pid)["State"][0] != "Z"
    return False


def answers(server, path="/healthz", status=200):
    def ask():
        with contextlib.suppress(OSError, http.client.HTTPException, ssl.SSLError):
            return server.request("GET", path, timeout=5).status == status
        return False
    return ask


def log_messages(server):
    found = []
    for line in server.log.read_text().splitlines():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def serve(data, https, http_, *more, user=None, **options):
    command = [str(SLIPWAY), "serve", "--data", str(data), "--https", f"127.0.0.1:{https}",
               *(["--http", f"127.0.0.1:{http_}"] if http_ else ["--set", "listen.http="]), *more]
    if user:
        command = ["runuser", "-u", user, "--", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, **options)


def set_setting(server, line):
    """Adds a line to slipway.conf, as an administrator would."""
    with open(server.data / "slipway.conf", "a") as f:
        f.write(line + "\n")


# ---- users and rights --------------------------------------------------------------------------

@as_root
def test_no_process_is_root_and_each_has_only_its_rights(running):
    found = children(running)
    control, nginx = pwd.getpwnam("slipway"), pwd.getpwnam("slipway-web")
    expected = [(running.process.pid, control.pw_uid, SUPERVISOR_CAPABILITIES),
                (found["control"], control.pw_uid, 0),
                (found["nginx"], nginx.pw_uid, NGINX_CAPABILITIES)]
    expected += [(w, nginx.pw_uid, NGINX_CAPABILITIES) for w in workers(found["nginx"])]
    for pid, uid, capabilities in expected:
        status = status_of(pid)
        assert set(status["Uid"].split()) == {str(uid)}, status["Name"]
        assert "0" not in status["Gid"].split() + status["Groups"].split()
        for set_ in ("CapPrm", "CapEff"):
            assert int(status[set_], 16) == capabilities, (status["Name"], set_)
        assert int(status["CapBnd"], 16) & ~SUPERVISOR_CAPABILITIES == 0
        assert status["NoNewPrivs"] == "1"


@as_root
def test_rights_of_the_data_directory(running):
    expected = {".": ("slipway", 0o711), "slipway.conf": ("slipway", 0o640), "db": ("slipway", 0o700),
                "keys": ("slipway", 0o700), "uploads": ("slipway", 0o2700), "blobs": ("slipway", 0o2750),
                "state": ("slipway", 0o3770), "log": ("slipway", 0o2770), "run": ("slipway", 0o3770),
                "tls": ("slipway", 0o2711), "tls/ca.pem": ("slipway", 0o644),
                "tls/server.key": ("slipway", 0o640), "keys/ca.key": ("slipway", 0o600),
                "log/events.log": ("slipway-web", 0o640)}
    for name, (owner, mode) in expected.items():
        found = (running.data / name).stat()
        assert pwd.getpwuid(found.st_uid).pw_name == owner, name
        assert stat.S_IMODE(found.st_mode) == mode, name
    for name in ("blobs", "state", "log", "run", "uploads", "tls/server.key"):
        assert (running.data / name).stat().st_gid == pwd.getpwnam("slipway-web").pw_gid, name
    for path in (running.data / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    # The fixture's directory lies below one of mode 0700, which neither account can enter.
    assert stat.S_IMODE(running.dir.stat().st_mode) == 0o700


@as_root
@pytest.mark.parametrize("folder, name", [
    ("state", "data.mdb"), ("state", "lock.mdb"), ("run", "control.sock"),
    ("run", "ngx_http_slipway_module.so")])
def test_a_hijacked_nginx_replaces_nothing_of_others(running, folder, name):
    before = (running.data / folder / name).stat()
    for command in (["mv", name, "other"], ["rm", "-f", name],
                    ["sh", "-c", f"echo > mine && mv mine {name}"]):
        done = subprocess.run(command, cwd=running.data / folder, user="slipway-web",
                              group="slipway-web", extra_groups=[], capture_output=True, text=True)
        assert done.returncode != 0 and "not permitted" in done.stderr, (command, done)
    assert (running.data / folder / name).stat().st_ino == before.st_ino
    assert running.request("GET", "/healthz").status == 200


@as_root
def test_low_ports_with_an_unprivileged_nginx(own):
    low = []
    for port in range(1023, 600, -1):
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            low.append(port)
        if len(low) == 2:
            break
    own.https, own.http = low
    own.start()
    assert own.request("GET", "/healthz").status == 200
    own.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "nginx reloads" in own.log.read_text(), "the reload")
    wait_until(answers(own), "an answer after the reload")
    assert own.stop() == 0


@as_root
def test_without_root_everything_is_one_user():
    base = pathlib.Path(tempfile.mkdtemp(prefix="slipway-nobody-"))
    try:
        shutil.chown(base, "nobody")
        data, port, http_ = base / "data", free_port(), free_port()
        as_nobody = ["runuser", "-u", "nobody", "--"]
        if subprocess.run([*as_nobody, "test", "-x", SLIPWAY]).returncode:
            pytest.skip("the build directory is closed to others")
        subprocess.run([*as_nobody, SLIPWAY, "init", "--data", data], check=True, capture_output=True)
        process = subprocess.Popen(
            [*as_nobody, SLIPWAY, "serve", "--data", data, "--https", f"127.0.0.1:{port}",
             "--http", f"127.0.0.1:{http_}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout.readline() == f"ready https://127.0.0.1:{port}\n"
        for pid in slipway.descendants(process.pid):
            assert status_of(pid)["Uid"].split()[0] == str(pwd.getpwnam("nobody").pw_uid)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        assert "for development only" in errors
        # Its directory is no business of others, and low ports are out of reach.
        refused = serve(data, 443, None, user="nobody")
        assert refused.returncode == 4 and "ports below 1024 need a start as root" in refused.stderr
        os.chmod(data / "keys", 0o755)
        foreign = Server()
        try:
            refused = serve(foreign.data, port, http_, user="nobody")
            assert refused.returncode == 4 and "Permission denied" in refused.stderr
        finally:
            foreign.close()
    finally:
        shutil.rmtree(base)


# ---- starts that fail --------------------------------------------------------------------------

def test_start_problems_are_one_line_and_have_a_code(own, tmp_path):
    port = free_port()
    (tmp_path / "empty").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        used = taken.getsockname()[1]
        cases = [
            (tmp_path / "absent", port, [], 5, "No such file or directory; make a data directory"),
            (tmp_path / "empty", port, [], 5, "is not a data directory"),
            (own.data, used, [], 6, f"cannot listen on 127.0.0.1:{used}: another program uses it"),
            (own.data, port, ["--set", "nginx.program=/nonexistent"], 5, "there is no nginx at /nonexistent"),
            (own.data, port, ["--set", "nginx.module=/nonexistent"], 5, "nginx.module: /nonexistent"),
            (own.data, port, ["--set", "api.threads=0"], 2, "expected a number from 4 to 4096"),
            (own.data, port, ["--set", "tls.certificate=/nonexistent", "--set", "tls.key=/nonexistent"],
             5, "/nonexistent: Not found"),
        ]
        for data, https, more, code, text in cases:
            done = serve(data, https, None, *more)
            assert text in done.stderr, done.stderr
            assert done.returncode == code, done
            assert done.stdout == ""
            assert len(done.stderr.splitlines()) <= 2, done.stderr


def test_a_second_serve_is_refused_and_told_by_whom(running):
    done = serve(running.data, free_port(), None)
    assert done.returncode == 6
    assert f"is in use by process {running.process.pid}" in done.stderr
    assert running.request("GET", "/healthz").status == 200


def test_nginx_that_does_not_start_is_said(own, tmp_path):
    """nginx accepts its configuration but then dies: its own words are the reason."""
    fake = tmp_path / "nginx"
    tmp_path.chmod(0o755)
    fake.write_text('#!/bin/sh\ncase "$*" in *" -t") exit 0;; esac\n'
                    'echo "nginx: [emerg] bind() failed for a test" >&2\nexit 1\n')
    fake.chmod(0o755)
    for parent in tmp_path.parents:
        if parent != pathlib.Path("/") and parent != pathlib.Path("/tmp"):
            parent.chmod(0o755)
    done = serve(own.data, own.https, own.http, "--set", f"nginx.program={fake}")
    assert done.returncode == 11, done.stderr
    assert "nginx did not start: bind() failed for a test" in done.stderr.splitlines()[-1]


# ---- supervision -------------------------------------------------------------------------------

@on_both
def test_killed_control_comes_back_and_nginx_goes_on(own):
    own.start()
    before = children(own)
    os.kill(before["control"], signal.SIGKILL)
    assert own.request("GET", "/healthz").status == 200
    wait_until(answers(own, "/readyz"), "the control plane")
    after = children(own)
    assert after["control"] != before["control"] and after["nginx"] == before["nginx"]


def test_while_the_control_plane_is_away_the_api_says_so(own):
    own.start()
    control = children(own)["control"]
    os.kill(control, signal.SIGSTOP)
    try:
        os.kill(control, signal.SIGKILL)
        answer = own.request("GET", "/api/v1/openapi.json")
        if answer.status != 200:  # it may have been restarted already
            assert answer.status == 503
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json["status"] == 503 and answer.json["code"]
            assert answer.headers["Retry-After"]
    finally:
        wait_until(answers(own, "/readyz"), "the control plane")


def test_killed_master_leaves_no_orphans_and_comes_back(own):
    own.start()
    before = children(own)["nginx"]
    orphans = workers(before)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: children(own).get("nginx", before) != before, "a new master")
    wait_until(lambda: not any(is_alive(w) for w in orphans), "the end of the orphans")
    wait_until(answers(own), "an answer")
    assert workers(children(own)["nginx"])


def test_killed_worker_is_replaced(own):
    own.start()
    master = children(own)["nginx"]
    for worker in workers(master):
        os.kill(worker, signal.SIGKILL)
    wait_until(answers(own), "an answer")
    assert children(own)["nginx"] == master


@on_both
def test_killed_supervisor_takes_everything_along(own):
    own.start()
    below = slipway.descendants(own.process.pid)
    assert len(below) >= 3
    os.kill(own.process.pid, signal.SIGKILL)
    own.process.wait()
    wait_until(lambda: not any(is_alive(p) for p in below), "the end of all processes")
    own.start()  # same ports, same directory
    assert own.request("GET", "/readyz").status == 200


@on_both
def test_a_restart_right_after_kill_waits_for_the_old_processes(own):
    own.start()
    os.kill(own.process.pid, signal.SIGKILL)
    own.process.wait()
    own.start()
    assert own.request("GET", "/readyz").status == 200


# ---- stop --------------------------------------------------------------------------------------

def half_a_request(server):
    """A request whose body is on its way; gives what sends the rest and reads the answer."""
    body = b'{"email":"nobody@example.com","password":"wrong"}'
    connection = server.connection()
    connection.putrequest("POST", "/api/v1/auth/login")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:10])

    def finish():
        connection.send(body[10:])
        response = connection.getresponse()
        response.read()
        return response.status
    return finish


@on_both
def test_a_running_request_is_finished_before_the_stop(own):
    own.start()
    finish = half_a_request(own)
    # Another request makes sure the first has reached a worker's event loop.
    assert own.request("GET", "/healthz").status == 200
    own.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not answers(own)(), "the end of new connections")
    assert own.process.poll() is None
    assert 400 <= finish() < 500
    assert own.process.wait(15) == 0
    assert not is_alive(own.process.pid)


@on_both
def test_a_second_signal_does_not_wait(own):
    own.start()
    half_a_request(own)
    own.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in own.log.read_text(), "the stop")
    start = time.monotonic()
    own.process.send_signal(signal.SIGTERM)
    assert own.process.wait(15) == 0
    assert time.monotonic() - start < 8


# ---- downloads outlive what happens around them -------------------------------------------------

SIZE = 60_000_000  # far more than what fits into the sockets' buffers


class SlowDownload:
    """A download of which some has been read, and whose rest the server still has to send."""

    def __init__(self, server, tmp_path):
        package = slipway.make_deb(tmp_path / "big.deb", size=SIZE)
        self.digest = hashlib.sha256(package.read_bytes()).hexdigest()
        server.cli("product", "create", "demo")
        package_id = server.publish(package, "demo", "1.0.0")["packages"][0]["id"]
        grant = server.api("POST", "/downloads/token", {"package_id": package_id}, status=200).json
        self.path = urllib.parse.urlsplit(grant["url"]).path
        self.connection = server.connection()
        self.connection.request("GET", self.path)
        self.response = self.connection.getresponse()
        assert self.response.status == 200
        self.hash = hashlib.sha256(self.response.read(1000))

    def finish(self):
        while part := self.response.read(1 << 20):
            self.hash.update(part)
        assert self.hash.hexdigest() == self.digest


@pytest.fixture
def download(own, tmp_path):
    own.start()
    return SlowDownload(own, tmp_path)


def test_a_running_download_is_finished_before_the_stop(own, download):
    own.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not answers(own)(), "the end of new connections")
    assert own.process.poll() is None
    download.finish()
    assert own.process.wait(15) == 0


def test_a_download_that_takes_too_long_does_not_hold_up_the_stop(own, download):
    own.process.send_signal(signal.SIGTERM)
    assert own.process.wait(20) == 0
    with pytest.raises((AssertionError, OSError)):  # cut short: not the whole file
        download.finish()
    assert "downloads are cut to stop" in own.log.read_text()


@on_both
def test_a_running_download_survives_kill_of_master_and_control(own, download):
    found = children(own)
    os.kill(found["control"], signal.SIGKILL)
    os.kill(found["nginx"], signal.SIGKILL)
    wait_until(answers(own, "/readyz"), "the restart")
    download.finish()


def test_a_running_download_survives_a_reload(own, download):
    own.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "nginx reloads" in own.log.read_text(), "the reload")
    wait_until(answers(own), "an answer")
    download.finish()


@on_both
def test_downloads_go_on_without_the_control_plane(own, download):
    """With control and supervisor stopped nothing answers but nginx: valid tokens still open files."""
    stopped = [children(own)["control"], own.process.pid]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        download.finish()
        assert own.request("GET", download.path, headers={"Range": "bytes=0-9"}).status == 206
        check = own.request("GET", "/api/v1/updates/check?product=demo&version=0.1.0&platform=linux-amd64")
        assert check.status == 200 and check.json["update"] is True
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_the_event_log_has_a_line_per_download_and_no_token(own, download):
    download.finish()
    lines = wait_until((own.data / "log" / "events.log").read_text, "the line").splitlines()
    event = json.loads(lines[0])
    assert event["event"] == "download" and event["status"] == 200 and event["complete"] == "OK"
    assert event["sent"] >= SIZE and int(event["size"]) == event["sent"]
    assert event["file"].endswith(".deb") and event["download"].startswith("dl")
    token = download.path.split("/")[2]
    for log in [own.log, *(own.data / "log").iterdir()]:
        assert token not in log.read_text(), log


# ---- reload ------------------------------------------------------------------------------------

def served_certificate(server):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.https), 5) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as tls:
            return tls.getpeercert(binary_form=True)
    return None


def make_certificate(folder, name="own"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", folder / "new.key", "-out", folder / "new.pem", "-days", "30"],
                   check=True, capture_output=True)
    # Certificate first: for a moment the pair does not match, and must not be used.
    os.replace(folder / "new.pem", folder / "own.pem")
    os.replace(folder / "new.key", folder / "own.key")


def test_a_replaced_certificate_is_served_without_a_restart(own, tmp_path):
    tmp_path.chmod(0o700)  # as /etc/letsencrypt/live: nobody but the owner may look
    make_certificate(tmp_path)
    own.start("--set", f"tls.certificate={tmp_path}/own.pem", "--set", f"tls.key={tmp_path}/own.key")
    first = served_certificate(own)
    assert first == ssl.PEM_cert_to_DER_cert((tmp_path / "own.pem").read_text())
    finish = half_a_request_unchecked(own)
    make_certificate(tmp_path)
    second = ssl.PEM_cert_to_DER_cert((tmp_path / "own.pem").read_text())
    wait_until(lambda: served_certificate(own) == second, "the new certificate")
    assert 400 <= finish() < 500  # a connection from before goes on
    (tmp_path / "own.key").write_text("damaged")
    wait_until(lambda: "the old certificate stays" in own.log.read_text(), "the complaint")
    assert served_certificate(own) == second


def half_a_request_unchecked(server):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    kept, server.connection = server.connection, lambda: http.client.HTTPSConnection(
        "127.0.0.1", server.https, context=context, timeout=30)
    try:
        return half_a_request(server)
    finally:
        server.connection = kept


@on_both
def test_hup_takes_new_settings_and_refuses_bad_ones(own):
    own.start()
    set_setting(own, "tls.hsts = 1d")
    own.process.send_signal(signal.SIGHUP)
    header = "Strict-Transport-Security"
    wait_until(lambda: own.request("GET", "/healthz").headers[header] == "max-age=86400; includeSubDomains",
               "the new header")
    set_setting(own, "api.threads = none")
    own.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the old settings stay" in own.log.read_text(), "the complaint")
    assert '\\"api.threads\\" is none' in own.log.read_text()
    assert own.request("GET", "/healthz").status == 200


def test_hup_with_a_configuration_nginx_refuses_keeps_the_old(own):
    own.start()
    before = (own.data / "nginx.conf").read_text()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (own.data / "slipway.conf").write_text("geoip.database = /nonexistent.mmdb\nnginx.program = /bin/false\n")
        own.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "nginx keeps its old configuration" in own.log.read_text(), "the complaint")
    assert (own.data / "nginx.conf").read_text() == before
    assert own.request("GET", "/healthz").status == 200
    os.kill(children(own)["nginx"], signal.SIGKILL)  # … and with the old it starts again
    wait_until(answers(own), "an answer")


def test_hup_with_a_taken_port_or_a_bad_certificate_is_said(own, tmp_path):
    """In Slipway's own log; the old settings and the old certificate go on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        # Settings of the command line win over the file's: the tests' addresses are from there.
        set_setting(own, f"listen.https = 127.0.0.1:{own.https} 127.0.0.1:{port}")
        own.process = subprocess.Popen(
            [SLIPWAY, "serve", "--data", own.data, "--set", "listen.http="], stdout=subprocess.PIPE, text=True,
            stderr=open(own.log, "ab"))
        assert own.process.wait(20) == 6  # taken at the start: see the tests of starts
        conf = own.data / "slipway.conf"
        with_port = conf.read_text()
        conf.write_text(with_port.replace(f" 127.0.0.1:{port}", ""))
        own.process = subprocess.Popen(
            [SLIPWAY, "serve", "--data", own.data, "--set", "listen.http="], stdout=subprocess.PIPE, text=True,
            stderr=open(own.log, "ab"))
        own.wait_ready()
        before = (own.data / "nginx.conf").read_text()
        conf.write_text(with_port + "tls.hsts = 1d\n")
        own.process.send_signal(signal.SIGHUP)
        wait_until(lambda: own.log.read_text().count(f"cannot listen on 127.0.0.1:{port}: another program uses it") == 2,
                   "the complaint")
        assert "the old settings stay" in own.log.read_text()
        assert (own.data / "nginx.conf").read_text() == before
    own.process.send_signal(signal.SIGHUP)  # the port is free now

    def listens():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return True
    wait_until(listens, "the new address")
    (tmp_path / "bad.pem").write_text("nothing\n")
    set_setting(own, f"tls.certificate = {tmp_path}/bad.pem\ntls.key = {tmp_path}/bad.pem")
    own.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the old certificate stays" in own.log.read_text(), "the complaint")
    assert f"{tmp_path}/bad.pem" in own.log.read_text()
    assert own.request("GET", "/healthz").status == 200


def test_a_lost_certificate_is_issued_again(own):
    own.start()
    first = served_certificate(own)
    (own.data / "tls" / "server.pem").unlink()
    wait_until(lambda: served_certificate(own) not in (first, None), "a new certificate")
    assert own.request("GET", "/healthz").status == 200  # of the same CA


# ---- TLS ---------------------------------------------------------------------------------------

def handshake(server, *options):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.https}", *options],
                          input="", capture_output=True, text=True, errors="replace", timeout=20)
    return done.stdout + done.stderr


def test_only_current_protocols_and_ciphers(running):
    for old in ("-tls1", "-tls1_1"):
        assert "Cipher is (NONE)" in handshake(running, old, "-cipher", "ALL:@SECLEVEL=0")
    for weak in ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384",
                 "DHE-RSA-AES128-GCM-SHA256", "aNULL"):
        assert "Cipher is (NONE)" in handshake(running, "-tls1_2", "-cipher", f"{weak}:@SECLEVEL=0"), weak
    for good in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                 "ECDHE-ECDSA-CHACHA20-POLY1305"):
        assert f"Cipher is {good}" in handshake(running, "-tls1_2", "-cipher", good)
    modern = handshake(running, "-tls1_3", "-alpn", "h2,http/1.1", "-CAfile", str(running.ca))
    assert "Server Temp Key: X25519" in modern
    assert "ALPN protocol: h2" in modern
    assert "Verification: OK" in modern
    assert "Cipher is (NONE)" in handshake(running, "-tls1_3", "-groups", "P-521")
    tls12 = handshake(running, "-tls1_2")
    assert "TLS session ticket:" not in tls12
    assert "Secure Renegotiation IS supported" in tls12
    assert "Compression: NONE" in tls12


def test_the_local_ca_signs_servers_only(running):
    def text(path):
        return subprocess.run(["openssl", "x509", "-in", path, "-noout", "-text"], check=True,
                              capture_output=True, text=True).stdout
    ca, leaf = text(running.ca), text(running.data / "tls" / "server.pem")
    assert "CA:TRUE, pathlen:0" in ca and "Certificate Sign, CRL Sign" in ca
    assert "CA:FALSE" in leaf and "TLS Web Server Authentication" in leaf
    assert "prime256v1" in leaf and "ecdsa-with-SHA256" in leaf
    for name in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1",
                 f"DNS:{socket.gethostname()}"):
        assert name in leaf
    subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname",
                    "localhost", "-CAfile", running.ca, running.data / "tls" / "server.pem"],
                   check=True, capture_output=True)


# ---- what nginx answers ------------------------------------------------------------------------

HEADERS = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "X-Permitted-Cross-Domain-Policies": "none",
}


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/healthz", 200), ("GET", "/readyz", 200), ("GET", "/api/v1/openapi.json", 200),
    ("GET", "/.well-known/jwks.json", 200), ("GET", "/api/v1/no-such", 404), ("GET", "/no-such", 404),
    ("GET", "/d/nonsense/file", 401), ("GET", "/.slipway/problem", 404), ("TRACE", "/", 405),
    ("GET", "/" + "x" * 9000, 414)])
def test_every_answer_has_the_security_headers_once(running, method, path, status):
    answer = running.request(method, path)
    assert answer.status == status, answer
    for name, value in HEADERS.items():
        assert answer.headers.get_all(name) == [value], name
    assert len(answer.headers.get_all("Content-Security-Policy")) == 1
    assert len(answer.headers.get_all("X-Request-Id")) == 1
    if status >= 400 and method != "TRACE":
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.json["status"] == status
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["Server"] in (None, "nginx")


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/no-such", "/d/nonsense/file"])
def test_request_ids(running, path):
    def id_of(**headers):
        answer = running.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        found = answer.headers.get_all("X-Request-Id")
        assert len(found) == 1
        if answer.status >= 400:
            assert answer.json["request_id"] == found[0]
        return found[0]
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    parent = f"00-{trace}-00f067aa0ba902b7-01"
    assert id_of(X_Request_Id="client.A-1_b") == "client.A-1_b"
    assert id_of(X_Request_Id="mine", traceparent=parent) == "mine"
    assert id_of(traceparent=parent) == trace
    for bad in ("x" * 65, 'a"b', "a b", "é".encode().decode("latin-1")):
        assert len(id_of(X_Request_Id=bad)) == 32
    assert id_of() != id_of()


def raw(port, text, tls=None):
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        with (tls.wrap_socket(plain, server_hostname="localhost") if tls else plain) as s:
            s.sendall(text)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while part := s.recv(65536):
                    received += part
            return received.decode("latin-1")


@pytest.mark.parametrize("head, status", [
    (b"Content-Length: 5\r\nContent-Length: 6\r\n", 400),
    (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
    (b"Content-Length: +5\r\n", 400),
    (b"Transfer-Encoding: xchunked\r\n", 501),
    (b"Host: a\r\nHost: b\r\n", 400),
    (b"X: " + b"y" * 9000 + b"\r\n", 431),
    (b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(40)), 431)])
def test_ambiguous_and_oversized_requests_are_refused(running, head, status):
    host = b"" if head.startswith(b"Host") else b"Host: localhost\r\n"
    context = ssl.create_default_context(cafile=str(running.ca))
    answer = raw(running.https, b"POST /api/v1/auth/login HTTP/1.1\r\n" + host + head + b"\r\n", context)
    assert answer.startswith(f"HTTP/1.1 {status}"), answer[:300]
    assert "application/problem+json" in answer
    assert "\r\nStrict-Transport-Security: max-age=63072000" in answer


END = b"Host: localhost\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("request_text, status, code", [
    (b"nonsense\r\n\r\n", 400, "invalid"),
    (b"\x16\x03\x01 HTTP/1.1\r\n\r\n", 400, "invalid"),
    (b"GET / HTTP/1.x\r\n" + END, 400, "invalid"),
    (b"GET /%zz HTTP/1.1\r\n" + END, 400, "invalid"),
    (b"GET /../x HTTP/1.1\r\n" + END, 400, "invalid"),
    (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "invalid"),
    (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "invalid"),
    (b"GET / HTTP/1.1\r\nBad\0: x\r\n" + END, 400, "invalid"),
    (b"CONNECT a:1 HTTP/1.1\r\n" + END, 400, "invalid"),
    (b"TRACE / HTTP/1.1\r\n" + END, 405, "method_not_allowed"),
    (b"POST /api/v1/x HTTP/1.1\r\nContent-Length: 99999999\r\n" + END, 413, "too_large"),
    (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + END, 414, "too_large"),
    (b"GET / HTTP/1.1\r\nX: " + b"y" * 9000 + b"\r\n" + END, 431, "too_large"),
    (b"POST /api/v1/x HTTP/1.1\r\nTransfer-Encoding: zip\r\n" + END, 501, "invalid"),
    (b"GET / HTTP/9.1\r\n" + END, 505, "invalid")])
def test_requests_nginx_cannot_read_get_problem_documents(running, request_text, status, code):
    context = ssl.create_default_context(cafile=str(running.ca))
    head, _, body = raw(running.https, request_text, context).partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}"), head
    assert "\r\nContent-Type: application/problem+json" in head
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert f"\r\nX-Request-Id: {problem['request_id']}\r\n" in head + "\r\n"


def test_http_spoken_to_https_gets_a_problem_document(running):
    head, _, body = raw(running.https, b"GET / HTTP/1.1\r\n" + END).partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400") and json.loads(body)["code"] == "invalid"


def test_plain_http_redirects_people_and_refuses_secrets(running):
    def ask(path, host="files.example.org"):
        return raw(running.http, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = ask("/some/page?x=1")
    assert answer.startswith("HTTP/1.1 308")
    assert f"\r\nLocation: https://files.example.org:{running.https}/some/page?x=1\r\n" in answer
    assert "Strict-Transport-Security" not in answer
    for path in ("/d/token/file", "/api/v1/updates/check", "/api/v1/auth/login"):
        answer = ask(path)
        assert answer.startswith("HTTP/1.1 403"), path
        assert "application/problem+json" in answer
    assert "400" in raw(running.https, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").splitlines()[0]


def test_metrics_are_for_operators(own):
    own.start("--set", "metrics.allow=192.0.2.1")
    for path in ("/metrics", "/readyz"):
        assert own.request("GET", path).status == 403
    assert own.request("GET", "/healthz").status == 200


def test_what_clients_claim_about_themselves_is_not_logged_as_true(running):
    secret = "eyJhbGciOiJub25lIn0.e30.c2VjcmV0LXRva2Vu"
    running.request("GET", f"/api/v1/no-such?token={secret}&x=secret-query",
                    headers={"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"})
    running.request("GET", f"/d/{secret}/file")
    log = wait_until(lambda: (t := (running.data / "log/access.log").read_text()).count("/api/v1/no-such")
                     and "/d/" in t and t, "the log lines")
    lines = [json.loads(line) for line in log.splitlines()]
    assert {line["address"] for line in lines} == {"127.0.0.1"}
    everything = log + (running.data / "log/nginx-error.log").read_text() + running.log.read_text() \
        + (running.data / "log/events.log").read_text()
    assert secret not in everything and "secret-query" not in everything
    assert not (running.data / "log/events.log").read_text()


@pytest.mark.parametrize("path", [
    "/internal/events", "//internal/events", "/internal/../internal/events", "/api/../internal/events",
    "/api/%2e%2e/internal/events", "/%69nternal/events", "/internal/events?/../../api/"])
def test_internal_routes_are_not_for_the_network(running, path):
    assert running.request("POST", path, body="").status == 404
    assert running.request("GET", path).status == 404


def test_large_logs_are_rotated_and_nginx_follows(own):
    own.start()
    own.request("GET", "/api/v1/no-such")
    access = own.data / "log" / "access.log"
    first = access.stat().st_ino
    wait_until(lambda: access.stat().st_size, "a line")
    os.truncate(access, 65 << 20)
    wait_until(lambda: access.exists() and access.stat().st_ino != first, "a new file")
    old, = (own.data / "log").glob("access.*.log")
    assert old.stat().st_ino == first

    def is_logged():
        own.request("GET", "/api/v1/after-rotation")
        return "after-rotation" in access.read_text()
    wait_until(is_logged, "lines in the new file")


def test_too_many_requests_are_429_with_a_wait(own):
    own.start("--set", "limit.api=1")
    answers_ = [own.request("GET", "/.well-known/jwks.json") for _ in range(6)]
    refused = [a for a in answers_ if a.status == 429]
    assert refused and answers_[0].status == 200
    assert refused[0].json["code"] and refused[0].headers.get_all("Retry-After")
    assert own.request("GET", "/healthz").status == 200


def test_logs_are_json_lines(running):
    lines = running.log.read_text().splitlines()
    assert lines
    for line in lines:
        entry = json.loads(line)
        assert {"time", "level", "component", "message"} <= set(entry)
