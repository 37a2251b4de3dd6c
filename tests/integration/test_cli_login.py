"""`slipway login` without a password: a code on a terminal, approved in a browser elsewhere."""
import contextlib
import json
import re
import signal
import sqlite3
import subprocess
import threading

import pytest

import slipway
from factors import App
from lying_server import Liar
from person import Person

CODE = r"[B-Z]{4}-[B-Z]{4}"
BEGIN, ASK = "/api/v1/oauth/device_authorization", "/api/v1/oauth/token"


@pytest.fixture(scope="module")
def database():
    """The command line does not see which it is."""
    return "sqlite"


@pytest.fixture
def person(server, tmp_path):
    return Person(server, tmp_path)


def in_a_hurry(**more):
    """The server's answers, but for how long to wait between questions."""
    def change(path, answer):
        if path == BEGIN:
            answer |= {"interval": 1, **more}
        return answer
    return change


def sql(server, statement):
    with contextlib.closing(sqlite3.connect(next((server.data / "db").glob("*.db")), timeout=20)) as db, db:
        db.execute(statement)


def login_unseen(person, *words):
    """With pipes, by --device-code --json; gives the process and what the first line says."""
    process = subprocess.Popen([slipway.SLIPWAY, "login", "--device-code", "--json", *words], env=person.env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())


def decide(person, code, approve=True):
    person.server.admin("POST", "/oauth/device", {"user_code": code, "approve": approve}, status=204)


def sessions(person):
    """Ids of the administrator's sessions that came of a code."""
    listed = person.server.admin("GET", "/me/sessions?limit=200", status=200).json["items"]
    return {s["id"] for s in listed if s["client_id"] == "slipway-cli"}


def ended(process, code):
    out, errors = process.communicate(timeout=60)
    assert process.returncode == code, (out, errors)
    return json.loads(errors.splitlines()[-1]) if code else out


# What goes wrong ----------------------------------------------------------------------------------

def test_without_a_terminal_it_says_what_to_do(person):
    done = person.run("login", check=2)
    for way in ("--email", "--password-file", "--device-code", "SLIPWAY_API_KEY"):
        assert way in done.stderr
    for words in (("--device-code", "--email", "x@example.com"), ("--scope", "self.read", "--otp", "123456")):
        assert json.loads(person.run("login", "--json", *words, check=2).stderr)["code"] == "usage"


def test_a_scope_that_does_not_exist_shows_no_code(person):
    done = person.run("login", "--device-code", "--scope", "no.such", "--json", check=2)
    assert json.loads(done.stderr)["code"] == "invalid_scope" and not done.stdout


def test_a_home_that_cannot_be_written_is_told_before_somebody_approves(person):
    person.env |= {"HOME": "", "XDG_CONFIG_HOME": ""}
    done = person.run("login", "--device-code", "--json", check=2)
    assert json.loads(done.stderr)["code"] == "credentials" and not done.stdout


def test_refused(server, person):
    with Liar(server, in_a_hurry()) as liar, person.at(liar.url).terminal("login") as screen:
        decide(person, screen.wait_for(CODE)[0], approve=False)
        assert screen.wait() == 4 and "refused" in screen.lines[-2]
    assert not person.signed_in


def test_expired(server, person):
    with Liar(server, in_a_hurry()) as liar:
        process, _ = login_unseen(person.at(liar.url))
        sql(server, "UPDATE device_codes SET expires_at = 1")
        told = ended(process, 7)
    assert told["code"] == "expired_token" and "nobody approved it" in told["detail"]
    assert not person.signed_in


def test_it_slows_down_when_told_to(server, person):
    """Asked each second, the server says so the second time; the third would come after the end."""
    said = []

    def change(path, answer):
        if path == ASK:
            said.append(answer.get("error"))
        return in_a_hurry(expires_in=8)(path, answer)
    with Liar(server, change) as liar:
        process, _ = login_unseen(person.at(liar.url))
        ended(process, 7)
    assert said == ["authorization_pending", "slow_down"]


def test_a_server_that_is_away_is_asked_again(person, tmp_path):
    """As good as a network that comes and goes: the code outlives a restart."""
    server = slipway.Server()
    try:
        server.start()
        person.env |= {"SLIPWAY_CA": str(server.ca)}
        with Liar(server, in_a_hurry()) as liar, person.at(liar.url).terminal("login") as screen:
            code = screen.wait_for(CODE)[0]
            server.stop()
            screen.wait_for("No answer from the server")
            server.start()
            person.server = server
            decide(person, code)
            assert screen.wait(60) == 0 and "Signed in to" in screen.text
    finally:
        server.close()
    assert list(person.signed_in) == [liar.url]


def test_a_server_that_stays_away_is_asked_until_the_code_ends(server, person):
    with Liar(server, in_a_hurry(expires_in=3)) as liar:
        process, _ = login_unseen(person.at(liar.url))
    told = ended(process, 7)
    assert "the server did not answer any more" in told["detail"]


def test_another_authority_in_between_ends_it(server, person):
    """Not a server that is away: whoever answers there must not be asked for ten minutes."""
    with Liar(server, in_a_hurry()) as liar:
        process, _ = login_unseen(person.at(liar.url))
        port = liar.httpd.server_port
    stranger = slipway.Server()
    stranger.https = port
    try:
        stranger.start()
        assert ended(process, 11)["code"] == "certificate"
    finally:
        stranger.close()


def test_ctrl_c_leaves_nothing_behind(server, person):
    before = sessions(person)
    with person.terminal("login") as screen:
        code = screen.wait_for(CODE)[0]
        screen.wait_for("Waiting for your approval")
        screen.interrupt()
        assert screen.wait() == 13
        assert screen.lines[-2] == "slipway: cancelled; nobody is signed in"
    decide(person, code)  # somebody may still, but nobody asks
    assert not person.signed_in and sessions(person) == before


def test_ctrl_c_in_the_moment_of_approval_gives_the_session_back(server, person):
    before = sessions(person)
    process = None

    def change(path, answer):
        if path == ASK and "access_token" in answer:
            assert sessions(person) != before  # it is open now
            process.send_signal(signal.SIGINT)
        return in_a_hurry()(path, answer)
    with Liar(server, change) as liar:
        process, code = login_unseen(person.at(liar.url))
        decide(person, code["user_code"])
        assert ended(process, 13)["code"] == "cancelled"
        assert liar.asked[-1] == "/api/v1/oauth/revoke"
    assert not person.signed_in and sessions(person) == before


def test_a_server_cannot_command_the_terminal_or_open_files(server, person, tmp_path):
    def change(path, answer):
        if path == BEGIN:
            answer |= {"verification_uri": "file:///etc/passwd\x1b]0;owned\x07\x1b[2J",
                       "verification_uri_complete": "file:///etc/passwd"}
        return answer
    opened = fake_browser(person, tmp_path)
    with Liar(server, change) as liar, person.at(liar.url).terminal("login") as screen:
        screen.wait_for("Waiting")
        screen.type("\n")
        screen.interrupt()
        screen.wait()
        assert "\x1b]" not in screen.text and "\x1b[2J" not in screen.text and "Enter opens" not in screen.text
    assert not opened.exists()


# The way it should go -----------------------------------------------------------------------------

def test_signed_in_as_with_a_password(server, person):
    with Liar(server, in_a_hurry()) as liar, person.at(liar.url).terminal("login") as screen:
        decide(person, screen.wait_for(CODE)[0])
        assert screen.wait() == 0
        assert screen.lines[-2] == f"Signed in to {liar.url} as {slipway.ADMIN_EMAIL}"
        assert (person.config / "slipway" / "credentials.json").stat().st_mode & 0o777 == 0o600
        shown = person.run("whoami").stdout
        assert re.search(r"signed in with +slipway login", shown) and re.search(r"client id +slipway-cli", shown)
        me = json.loads(person.run("whoami", "--json").stdout)
        assert me["session_id"] in sessions(person) and me["methods"] == ["pwd"]
        person.run("logout")
        assert me["session_id"] not in sessions(person) and not person.signed_in


def test_lines_of_json_for_programs(server, person):
    with Liar(server, in_a_hurry()) as liar:
        process, code = login_unseen(person.at(liar.url))
        assert set(code) == {"user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"}
        assert code["verification_uri_complete"] == f"{server.url}/device?user_code={code['user_code']}"
        decide(person, code["user_code"])
        assert json.loads(ended(process, 0)) == {"server": liar.url, "email": slipway.ADMIN_EMAIL}


def test_a_narrow_sign_in(server, person):
    with Liar(server, in_a_hurry()) as liar:
        process, code = login_unseen(person.at(liar.url), "--scope", "product.read", "--scope", "self.read")
        decide(person, code["user_code"])
        ended(process, 0)
        assert set(json.loads(person.run("whoami", "--json").stdout)["permissions"]) == {"product.read", "self.read"}
        person.run("account", "list", check=4)


@pytest.mark.parametrize("columns", [80, 60, 40])
def test_the_code_and_its_qr_code_fit_the_terminal(person, columns):
    with person.terminal("login", columns=columns) as screen:
        screen.wait_for("Ctrl-C|Waiting")
        screen.interrupt()
        screen.wait()
        assert all(len(line) <= columns for line in screen.lines), screen.lines
        # Black on white, whatever the terminal's colours; and all of it with the code in 24 lines.
        drawn = [line for line in screen.text.split("\r\n") if line.startswith("  \x1b[30;107m")]
        assert len(drawn) > 10 and all(line.endswith("\x1b[0m") for line in drawn)
        assert len(screen.lines) <= 24


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_terminals_that_cannot_be_drawn_on_get_plain_lines(person, term):
    person.env["TERM"] = term
    with person.terminal("login") as screen:
        screen.wait_for("Waiting for your approval")
        screen.interrupt()
        screen.wait()
        assert ("\x1b" in screen.text) == (term != "dumb")


def fake_browser(person, folder):
    """Puts an xdg-open in the way that writes what it was to open into the file given back."""
    opened, program = folder / "opened", folder / "bin" / "xdg-open"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$1 ${{SLIPWAY_CA:-none}}" >{opened}.new && mv {opened}.new {opened}\n')
    program.chmod(0o755)
    person.env |= {"PATH": f"{program.parent}:{person.env['PATH']}", "DISPLAY": ":1"}
    return opened


def test_enter_opens_the_browser_where_there_is_one(server, person, tmp_path):
    opened = fake_browser(person, tmp_path)
    with person.terminal("login") as screen:
        code = screen.wait_for(CODE)[0]
        screen.wait_for("Enter opens it in the browser")
        screen.type("\n")
        slipway.wait_until(opened.exists, "the browser")
        screen.interrupt()
        assert screen.wait() == 13
    assert opened.read_text() == f"{server.url}/device?user_code={code} none\n"


@pytest.mark.parametrize("name, value", [("DISPLAY", ""), ("SSH_CONNECTION", "203.0.113.1 1 203.0.113.2 22"),
                                         ("PATH", "/nonexistent")])
def test_it_is_not_offered_where_there_is_none(person, tmp_path, name, value):
    fake_browser(person, tmp_path)
    person.env[name] = value
    with person.terminal("login") as screen:
        screen.wait_for("Waiting")
        screen.type("\n")
        screen.interrupt()
        screen.wait()
        assert "Enter opens" not in screen.text


def test_signing_in_anew_ends_the_sign_in_there_was(server, person):
    """Nobody could end it any more: its tokens are gone."""
    person.sign_in()
    first = next(iter(person.signed_in.values()))["access_token"]
    wrong = person.config / "wrong"
    wrong.write_text("not the password")
    person.run("login", "--email", slipway.ADMIN_EMAIL, "--password-file", wrong, check=3)
    assert server.api("GET", "/me", token=first).status == 200
    person.sign_in()
    assert server.api("GET", "/me", token=first).status == 401
    person.run("whoami")


def test_two_sign_ins_at_once_on_one_machine(server, person):
    """Both are stored whole; the last one counts."""
    with Liar(server, in_a_hurry()) as liar:
        person.at(liar.url)
        both = [login_unseen(person) for _ in range(2)]
        threads = [threading.Thread(target=decide, args=(person, code["user_code"],)) for _, code in both]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for process, _ in both:
            ended(process, 0)
        person.run("whoami")


# With a password and a second factor --------------------------------------------------------------

def with_app(server, email):
    """An account with an authenticator app: gives the app and the recovery codes."""
    server.admin("POST", "/admin/accounts", {"email": email, "role": "user", "password": slipway.ADMIN_PASSWORD},
                 status=201)
    token = server.login(email)
    begun = server.api("POST", "/me/totp", token=token, status=201).json
    app = App(begun["secret"])
    codes = server.api("POST", "/me/totp/confirm", {"otp": app.password()}, token, 200).json["recovery_codes"]
    sql(server, f"UPDATE factors SET counter = 1 WHERE id = '{begun['id']}'")  # that was a while ago
    app.last = 0
    return app, codes


def test_a_fresh_proof_is_asked_for(server, person):
    """By dangerous commands, after a while: the app's code or a recovery code; the password is not enough."""
    _, codes = with_app(server, "proof@example.com")
    with person.terminal("login", "--email", "proof@example.com", "--password-file", server.password_file) as screen:
        screen.wait_for("recovery code: ")
        screen.type(codes[0] + "\n")
        assert screen.wait() == 0
    words = ("key", "create", "k", "--permission", "self.read")
    for typed, code in ((slipway.ADMIN_PASSWORD, 4), (codes[0], 4), (codes[1], 0)):
        sql(server, "UPDATE sessions SET authenticated_at = 1 WHERE account_id ="
                    " (SELECT id FROM accounts WHERE email = 'proof@example.com')")
        told = json.loads(person.run(*words, "--json", check=4).stderr)
        assert told["code"] == "step_up_required" and "terminal" in told["hint"]
        with person.terminal(*words) as screen:
            screen.wait_for("This needs a fresh proof")
            screen.type(typed + "\n")
            assert screen.wait() == code, screen.text
            assert typed not in screen.text


def test_the_second_factor_is_asked_for(server, person):
    app, codes = with_app(server, "two@example.com")
    words = ("--email", "two@example.com", "--password-file", server.password_file)
    told = json.loads(person.run("login", "--json", *words, check=3).stderr)
    assert told["code"] == "mfa_required" and "--otp" in told["hint"]
    for typed, code in (("nonsense", 3), ("000000", 3), (app.password, 0), (codes[0], 0), (codes[0], 3)):
        with person.terminal("login", *words) as screen:
            screen.wait_for("Code of the second factor, or a recovery code: ")
            screen.type((typed if isinstance(typed, str) else typed()) + "\n")
            assert screen.wait() == code, (typed, screen.text)
