"""Mail against a real SMTP server (aiosmtpd): TLS, sign-in, refusals, absence, the outbox."""
import email
import email.policy
import json
import socket
import ssl
import subprocess
import time

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

import control
from slipway import SLIPWAY, free_port, wait_until

USER, PASSWORD = "slipway@example.com", "correct horse battery"


class Box:
    """What the server does with mail, by recipient; and all it took."""

    def __init__(self):
        self.taken = []
        self.tried = []
        self.refuse_sender = False

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.refuse_sender:
            return "550 5.7.1 not from you"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.tried.append((address, session.ssl is not None, session.authenticated))
        if address.startswith("never"):
            return "550 5.1.1 no such user"
        if address.startswith("later") and sum(t[0] == address for t in self.tried) < 2:
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, message))
        return "250 OK"

    def to(self, address):
        return [m for _, to, m in self.taken if to == [address]]


class Server(Controller):
    def __init__(self, folder, port, starttls=True, auth=True, implicit=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        # aiosmtpd knows of TLS only what it has begun itself.
        self.options = {"auth_require_tls": not implicit}
        if starttls and not implicit:
            self.options |= {"tls_context": context, "require_starttls": True}
        if auth:
            self.options |= {"authenticator": self.judge, "auth_required": True}
        if not starttls:
            self.options = {"auth_require_tls": False} | (
                {"authenticator": self.judge, "auth_required": True} if auth else {})
        super().__init__(Box(), hostname="127.0.0.1", port=port,
                         ssl_context=context if implicit else None)
        self.start()

    def factory(self):
        return SMTP(self.handler, hostname="mail.example.com", **self.options)

    @staticmethod
    def judge(server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    @property
    def box(self):
        return self.handler


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=mail", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem", "-addext", "subjectAltName=IP:127.0.0.1,DNS:mail.example.com"],
        check=True, capture_output=True)
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "password").chmod(0o600)
    (folder / "wrong").write_text("another\n")
    return folder


def settings(certificate, port, scheme="smtp", password="password", **more):
    chosen = {"mail.server": f"{scheme}://127.0.0.1:{port}", "mail.user": USER, "mail.from": USER,
              "mail.password_file": certificate / password, "mail.ca_file": certificate / "cert.pem",
              "mail.name": "Exämple VPN, \"fast\"", "mail.timeout": "5s",
              "public_url": "https://vpn.example.com", **more}
    return [f"{name}={value}" for name, value in chosen.items() if value is not None]


class Plane(control.Control):
    def enqueue(self, to, subject="Hello", body="Text", expires_in=3600, next_in=0, id_=None):
        now = int(time.time() * 1e6)
        self.count = getattr(self, "count", 0) + 1
        name = id_ or f"mail_test{self.count}"
        quote = lambda s: "'" + s.replace("'", "''") + "'"  # noqa: E731
        self.sql("INSERT INTO mail_outbox (id, kind, recipient, subject, body, state, created_at, next_at,"
                 " expires_at, attempts, claimed_until, last_error) VALUES ("
                 f"{quote(name)}, 'test', {quote(to)}, {quote(subject)}, {quote(body)}, 'waiting', {now},"
                 f" {now + int(next_in * 1e6)}, {now + int(expires_in * 1e6)}, 0, 0, '')")
        return name

    def row(self, name):
        text = "SELECT state || '|' || body || '|' || attempts || '|' || last_error FROM mail_outbox " \
               f"WHERE id = '{name}'"
        if self.database == "sqlite":
            out = subprocess.run(["sqlite3", "-readonly", next((self.data / "db").glob("*.db")), text],
                                 check=True, capture_output=True, text=True).stdout
        else:
            out = subprocess.run(["psql", "-qAt", "-d", self.database, "-c", text], check=True,
                                 capture_output=True, text=True).stdout
        return out.rstrip("\n").split("|")

    def becomes(self, name, state):
        wait_until(lambda: self.row(name)[0] == state, f"{name} to be {state}", 40)
        return self.row(name)

    def hurry(self):
        """The pause before the next attempt, over."""
        self.sql("UPDATE mail_outbox SET next_at = 0 WHERE state = 'waiting'")


@pytest.fixture(scope="module")
def world(database, certificate):
    port = free_port()
    server = Server(certificate, port)
    plane = Plane(database, settings(certificate, port))
    try:
        plane.start()
        plane.admin = plane.administrator()
        yield plane, server.box
    finally:
        plane.close()
        server.stop()


@pytest.fixture
def lone(certificate):
    """A server with settings of the test's own."""
    opened = []

    def start(chosen):
        plane = Plane(settings=chosen)
        opened.append(plane)
        plane.start()
        plane.admin = plane.administrator()
        return plane
    yield start
    for plane in opened:
        plane.close()


def test_a_test_mail_over_starttls_and_sign_in(world):
    plane, box = world
    plane.api("POST", "/admin/mail/test", {"address": "jo@example.com"}, plane.admin, 204)
    message = box.to("jo@example.com")[0]
    assert ("jo@example.com", True, True) in box.tried
    assert message["From"].addresses[0].display_name == 'Exämple VPN, "fast"'
    assert message["From"].addresses[0].addr_spec == USER
    assert message["Subject"] == 'A test from Exämple VPN, "fast"'
    assert message["Message-ID"].startswith("<mail_") and message["Date"].datetime
    assert message["Auto-Submitted"] == "auto-generated"
    assert "https://vpn.example.com" in message.get_content()


def test_the_outbox_is_sent_once_and_wiped(world):
    plane, box = world
    link = "https://vpn.example.com/invitation#slt_" + "A" * 43
    name = plane.enqueue("once@example.com", "Grüße", f"Ä\n.\n..\nFrom me\n  {link}\n")
    state, body, attempts, error = plane.becomes(name, "sent")
    assert (body, attempts, error) == ("", "1", "")
    message, = box.to("once@example.com")
    assert message["Subject"] == "Grüße"
    assert message.get_content().splitlines() == ["Ä", ".", "..", "From me", f"  {link}"]
    assert link not in plane.log.read_text()


def test_hostile_names_stay_within_their_place(world):
    plane, box = world
    hostile = "x\r\nBcc: evil@example.com\r\n\r\nbody\r\n.\r\nMAIL FROM:<evil@example.com>"
    plane.becomes(plane.enqueue("hostile@example.com", hostile, hostile), "sent")
    message, = box.to("hostile@example.com")
    assert message["Bcc"] is None
    assert "Bcc: evil@example.com" in message["Subject"]
    assert len(message.keys()) == 9
    for to in ("a@b\r\nRCPT TO:<evil@example.com>", "<evil@example.com>", "a b@example.com"):
        name = plane.enqueue(to)
        assert "no mail address" in plane.becomes(name, "failed")[3]
    assert not any("evil" in t[0] for t in box.tried)


def test_try_again_later(world):
    plane, box = world
    name = plane.enqueue("later@example.com", body="secret")
    wait_until(lambda: plane.row(name)[2] == "1" and "451" in plane.row(name)[3], "the first attempt", 40)
    assert plane.row(name)[:2] == ["waiting", "secret"]
    plane.hurry()
    state, body, attempts, error = plane.becomes(name, "sent")
    assert (body, attempts) == ("", "2")
    assert len(box.to("later@example.com")) == 1


def test_refused_for_good(world):
    plane, box = world
    state, body, attempts, error = plane.becomes(plane.enqueue("never@example.com", body="secret"), "failed")
    assert (body, attempts) == ("", "1")
    assert "550" in error
    plane.refused("POST", "/admin/mail/test", {"address": "never@example.com"}, plane.admin, 503,
                  "mail_not_sent")


def test_a_refused_sender_is_a_matter_of_settings(world):
    """The mail waits until somebody mends them."""
    plane, box = world
    box.refuse_sender = True
    name = plane.enqueue("mended@example.com", body="secret")
    wait_until(lambda: "550" in plane.row(name)[3], "the refusal", 40)
    assert plane.row(name)[:2] == ["waiting", "secret"]
    box.refuse_sender = False
    plane.hurry()
    plane.becomes(name, "sent")


def test_expired_mail_is_not_sent(world):
    plane, box = world
    state, body, _, error = plane.becomes(plane.enqueue("stale@example.com", body="secret", expires_in=-1),
                                          "failed")
    assert body == "" and "expired" in error
    assert not box.to("stale@example.com")


def test_a_server_that_comes_back(lone, certificate):
    port = free_port()
    plane = lone(settings(certificate, port))
    name = plane.enqueue("patient@example.com")
    wait_until(lambda: plane.row(name)[2] != "0" and plane.row(name)[3], "an attempt", 40)
    assert plane.row(name)[0] == "waiting" and "cannot be reached" in plane.row(name)[3]
    server = Server(certificate, port)
    try:
        plane.hurry()
        plane.becomes(name, "sent")
        assert len(server.box.to("patient@example.com")) == 1
    finally:
        server.stop()


def test_two_control_planes_send_once(certificate, postgresql):
    port = free_port()
    server = Server(certificate, port)
    one = Plane(postgresql(), settings(certificate, port))
    two = None
    try:
        one.start()
        two = Plane(one.database, one.settings, beside=one)
        two.start()
        names = [one.enqueue(f"both{i}@example.com") for i in range(20)]
        for name in names:
            assert one.becomes(name, "sent")[2] == "1"
        for i in range(20):
            assert len(server.box.to(f"both{i}@example.com")) == 1
    finally:
        for plane in filter(None, (two, one)):
            plane.close()
        server.stop()


@pytest.mark.parametrize("case", ["wrong password", "no starttls", "certificate", "implicit", "plain loopback",
                                  "silence"])
def test_servers(lone, certificate, case):
    """What the administrator is told, by `mail test` and by `doctor`."""
    port = free_port()
    words, more, options = {
        "wrong password": ("refuses the sign-in", {"password": "wrong"}, {}),
        "no starttls": ("offers no STARTTLS", {}, {"starttls": False}),
        "certificate": ("certificate is not trusted", {"mail.ca_file": None}, {}),
        "implicit": (None, {"scheme": "smtps"}, {"implicit": True}),
        "plain loopback": (None, {"mail.user": None, "mail.password_file": None},
                           {"starttls": False, "auth": False}),
        "silence": ("in time", {"mail.timeout": "1s"}, None),
    }[case]
    if case == "no starttls":
        # localhost may lack it; any other name may not, wherever it leads.
        try:
            own = socket.gethostname()
            address = socket.gethostbyname(own)
        except OSError:
            pytest.skip("this machine does not know its own name")
    server = Server(certificate, port, **options) if options is not None \
        else socket.create_server(("127.0.0.1", port))
    chosen = settings(certificate, port, **more)
    try:
        if case == "no starttls":
            server.stop()
            server = Server.__new__(Server)
            Controller.__init__(server, Box(), hostname=address, port=port)
            server.options = {"auth_require_tls": False}
            server.start()
            chosen = [s.replace("smtp://127.0.0.1", f"smtp://{own}") for s in chosen]
        plane = lone(chosen)
        answer = plane.request("POST", "/api/v1/admin/mail/test", {"address": "jo@example.com"}, plane.admin)
        with open(plane.data / "slipway.conf", "a") as file:
            file.write("\n" + "\n".join(s.replace("=", " = ", 1) for s in chosen) + "\n")
        checks = json.loads(subprocess.run([SLIPWAY, "doctor", "--data", plane.data, "--json"],
                                           capture_output=True, text=True).stdout)["checks"]
        mail = next(c for c in checks if c["check"] == "mail")
        if words:
            assert answer.status == 503 and words in answer.json["detail"], answer
            assert mail["status"] == "problem" and words in mail["detail"], mail
        else:
            assert answer.status == 204, answer
            assert mail["status"] == "ok", mail
        assert PASSWORD not in plane.log.read_text()
    finally:
        server.stop() if hasattr(server, "stop") else server.close()


def test_without_settings_nothing_is_sent(lone):
    plane = lone([])
    plane.refused("POST", "/admin/mail/test", {"address": "jo@example.com"}, plane.admin, 409, "mail_is_off")
    for bad in ("x", "a@b\nc", "<a@b>"):
        assert plane.request("POST", "/api/v1/admin/mail/test", {"address": bad}, plane.admin).status in (400, 409)
