"""Accounts, invitations, roles, organisations, factors, sessions and keys from the command line: what is
refused first. With mails taken by a real SMTP server."""
import contextlib
import json
import re
import sqlite3
import subprocess
import unicodedata

import pytest
from aiosmtpd.controller import Controller

import slipway
from authenticator import Passkey
from factors import App
from person import Person
from test_life_cycle import Box

LONG = "a-name-that-goes-on-" * 3


@pytest.fixture(scope="module")
def server():
    """The command line does not see which database it is: the embedded one will do."""
    port, box = slipway.free_port(), Box()
    mails = Controller(box, hostname="127.0.0.1", port=port)
    mails.start()
    running = slipway.Server(settings=["public_url=https://vpn.example.com", "login.attempts=100",
                                       f"mail.server=smtp://127.0.0.1:{port}", "mail.from=slipway@mail.test"])
    running.box = box
    try:
        yield running.start()
    finally:
        running.close()
        mails.stop()


@pytest.fixture(scope="module")
def admin(server):
    return Person(server, server.dir / "admin").sign_in()


@pytest.fixture
def fresh(request):
    """An address of this test."""
    return re.sub(r"\W+", "-", request.node.name).strip("-")[:50] + "@mail.test"


@pytest.fixture
def account(server, fresh):
    """An account of role user, by its address."""
    server.admin("POST", "/admin/accounts", {"email": fresh, "role": "user", "password": slipway.ADMIN_PASSWORD},
                 status=201)
    return fresh


@pytest.fixture
def person(server, account, tmp_path):
    """Somebody of role user, signed in."""
    person = Person(server, tmp_path / "person").sign_in(account)
    person.email = account
    return person


def link_to(server, address, page, count=1):
    """The whole link of the count-th mail with one to this page."""
    def links():
        return [m[0] for text in server.box.to(address)
                for m in [re.search(rf"https://vpn\.example\.com/{page}#\S+", text)] if m]
    slipway.wait_until(lambda: len(links()) >= count, f"a link to {page} for {address}", 40)
    return links()[count - 1]


def secret_file(folder, name, text):
    file = folder / name
    file.touch(0o600)
    file.write_text(text + "\n")
    return file


def columns(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


# What is refused ----------------------------------------------------------------------------------

def test_who_may_not_is_told_what_to_do(person):
    for words in (["account", "list"], ["role", "list"], ["org", "list"], ["invitation", "list"], ["key", "list"],
                  ["account", "delete", slipway.ADMIN_EMAIL, "--yes"], ["session", "list", "--account", "x@y.zz"]):
        assert person.refused(*words, code="permission_missing", check=4)["hint"]
    assert "--mine" in person.refused("key", "list", code="permission_missing", check=4)["hint"]


@pytest.mark.parametrize("words", [
    ["account", "update", "jo@example.com"], ["account", "update", "jo@example.com", "--org", "x", "--no-org"],
    ["role", "update", "x"], ["role", "update", "x", "--permission", "self.read", "--add", "self.write"],
    ["session", "end"], ["session", "end", "ses_x", "--others"], ["provider", "update", "x"],
    ["account", "update", "jo@example.com", "--state", "asleep"],
    ["account", "delete", slipway.ADMIN_EMAIL], ["session", "approve", "BCDF-GHJK", "--yes", "--yes=no"],
    ["account", "close"]], ids=" ".join)
def test_mistakes_are_told_before_anything_happens(admin, words):
    admin.refused(*words, code="usage", check=2)


@pytest.mark.parametrize("words, code, check", [
    (["account", "show", "nobody@example.com"], "account_not_found", 5),
    (["account", "delete", "nobody@example.com", "--yes"], "account_not_found", 5),
    (["account", "set-role", slipway.ADMIN_EMAIL, "no-such-role"], "unknown_role", 2),
    (["account", "set-role", slipway.ADMIN_EMAIL, "user"], "last_admin", 6),
    (["account", "close", "--yes"], "last_admin", 6),
    (["account", "update", slipway.ADMIN_EMAIL, "--org", "no such"], "unknown_organisation", 2),
    (["role", "show", "no-such-role"], "role_not_found", 5),
    (["role", "create", "x", "--permission", "no.such"], "unknown_permission", 2),
    (["role", "create", "Upper", "--permission", "self.read"], "invalid_member", 2),
    (["role", "update", "user", "--add", "audit.read"], "role_built_in", 6),
    (["role", "delete", "admin"], "role_built_in", 6),
    (["org", "show", "no such"], "organisation_not_found", 5),
    (["org", "members", "no such"], "organisation_not_found", 5),
    (["invitation", "withdraw", "nobody@example.com"], "invitation_not_found", 5),
    (["invitation", "withdraw", "inv_none"], "invitation_not_found", 5),
    (["invitation", "create", slipway.ADMIN_EMAIL, "--role", "user"], "email_taken", 6),
    (["session", "list", "--account", "nobody@example.com"], "account_not_found", 5),
    (["session", "end", "--account", "nobody@example.com"], "account_not_found", 5),
    (["session", "end", "ses_none"], "not_found", 5),
    (["session", "approve", "BCDF-GHJK", "--yes"], "user_code_unknown", 5),
    (["session", "refuse", "nonsense"], "user_code_unknown", 5),
    (["factor", "reset", "nobody@example.com"], "account_not_found", 5),
    (["factor", "remove"], "not_found", 5),
    (["key", "revoke", "key_none"], "key_not_found", 5),
    (["identity", "unlink", "idn_none"], "not_found", 5),
    (["provider", "update", "none", "--state", "disabled"], "provider_not_found", 5)], ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_refusals_of_the_server_have_their_exit_codes(admin, words, code, check):
    admin.refused(*words, code=code, check=check)


# Accounts -----------------------------------------------------------------------------------------

def test_an_account_is_deleted_after_a_yes_only(server, admin, account):
    admin.run("product", "create", "kept")
    admin.run("licence", "create", "--account", account, "--product", "kept")
    server.login(account)
    for answer, code in (("no", 13), ("", 13), ("YES!", 13)):
        with admin.terminal("account", "delete", account) as screen:
            screen.wait_for("Type yes: ")
            assert "1 licence that has not ended, with its devices" in screen.text and "1 session" in screen.text
            assert "unless you add --licences delete" in " ".join(screen.text.split())
            screen.type(answer + "\n")
            assert screen.wait() == code and "nothing was done" in screen.text
    said = admin.refused("account", "delete", account, "--yes", code="licences_running", check=6)
    assert "--licences delete" in said["hint"]
    with admin.terminal("account", "delete", account, "--licences", "delete") as screen:
        screen.wait_for("Type yes: ")
        screen.type("yes\n")
        assert screen.wait() == 0 and f"Deleted {account}" in screen.text
    admin.refused("account", "show", account, code="account_not_found", check=5)


def test_an_account_is_changed(server, admin, account, tmp_path):
    admin.run("org", "create", "Changes Ltd")
    admin.run("role", "create", "changer", "--permission", "release.read.draft")
    changed = admin.json("account", "update", account, "--role", "changer", "--org", "Changes Ltd", "--email",
                         "x" + account)
    assert (changed["role"], changed["organisation_name"]) == ("changer", "Changes Ltd")
    assert changed["email"] == "x" + account
    assert admin.json("account", "set-role", "x" + account, "user")["role"] == "user"
    assert admin.json("account", "update", "x" + account, "--no-org")["organisation"] is None
    assert admin.json("account", "update", "x" + account, "--state", "disabled")["state"] == "disabled"
    admin.run("account", "enable", "x" + account)
    admin.run("account", "update", "x" + account, "--password-file",
              secret_file(tmp_path, "new", "quite another password"))
    assert server.api("POST", "/auth/login", {"email": "x" + account, "password": "quite another password"},
                      status=200)
    # With roles of one's own from the beginning, too.
    made = admin.json("account", "create", "--email", account, "--role", "changer", "--org", "Changes Ltd",
                      "--password-file", server.password_file)
    assert made["role"] == "changer"


def test_ten_thousand_accounts_are_listed(server, admin):
    with contextlib.closing(sqlite3.connect(next((server.data / "db").glob("*.db")), timeout=20)) as db, db:
        db.executemany(
            "INSERT INTO accounts (id, email, email_key, role, password_hash, state, epoch, created_at)"
            " VALUES (?, ?, ?, 'user', '', 'active', 1, 1)",
            [(f"acc_{i:026}", f"n{i}@many.test", f"n{i}@many.test") for i in range(10_000)])
    try:
        out = admin.run("account", "list", COLUMNS="80").stdout.splitlines()
        assert len(out) == 52 and out[-1] == "… and more: --limit 200"
        emails = [a["email"] for a in admin.json("account", "list", "--limit", "0")["items"]]
        assert len(emails) == len(set(emails)) and {f"n{i}@many.test" for i in range(10_000)} <= set(emails)
        some = admin.json("account", "list", "--limit", "450")
        assert len(some["items"]) == 450 and some["next_cursor"]
        # Who reads no further ends it, without a word.
        done = subprocess.run(["bash", "-c", f"{slipway.SLIPWAY} account list --limit 0 | head -1"], env=admin.env,
                              capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("EMAIL")
    finally:
        with contextlib.closing(sqlite3.connect(next((server.data / "db").glob("*.db")), timeout=20)) as db, db:
            db.execute("DELETE FROM accounts WHERE id LIKE 'acc_0000000000%'")


# Invitations --------------------------------------------------------------------------------------

def test_somebody_is_invited_and_accepts_at_a_terminal(server, admin, fresh, tmp_path):
    admin.run("invitation", "create", fresh, "--role", "user")
    shown = admin.run("invitation", "list").stdout
    assert fresh in shown and slipway.ADMIN_EMAIL in shown
    guest = Person(server, tmp_path / "guest")
    with guest.terminal("invitation", "accept") as screen:
        screen.wait_for("The link of the mail: ")
        screen.type(link_to(server, fresh, "invitation") + "\n")
        screen.wait_for("Password of your account to be: ")
        screen.type("a password of one's own\n")
        screen.wait_for("Again: ")
        screen.type("a password of one's own\n")
        assert screen.wait() == 0
        assert screen.lines[-2] == f"Welcome. Signed in to {server.url} as {fresh}"
        assert "a password" not in screen.text and "#slt_" not in screen.text
    assert guest.json("whoami")["email"] == fresh
    assert fresh not in admin.run("invitation", "list").stdout


def test_an_invitation_is_withdrawn_by_its_address(server, admin, fresh, tmp_path):
    admin.run("invitation", "create", fresh, "--role", "guest")
    link = secret_file(tmp_path, "link", link_to(server, fresh, "invitation"))
    assert admin.run("invitation", "withdraw", fresh.upper()).stdout.startswith("Withdrawn")
    guest = Person(server, tmp_path / "guest")
    guest.refused("invitation", "accept", "--link-file", link, "--password-file", server.password_file,
                  code="invitation_invalid", check=4)
    assert not guest.signed_in


# Roles and organisations --------------------------------------------------------------------------

def test_roles_are_made_changed_and_removed(admin, account):
    made = admin.json("role", "create", "ops", "--title", "Operators", "--permission", "audit.read", "--permission",
                      "stats.read", "--max-sessions", "2")
    assert (made["title"], made["max_sessions"]) == ("Operators", 2)
    changed = admin.json("role", "update", "ops", "--add", "device.read", "--add", "audit.read", "--remove",
                         "stats.read", "--own-org")
    assert changed["permissions"] == ["audit.read", "self.read", "self.write", "device.read"]
    assert changed["own_organisation"] and changed["title"] == "Operators"
    assert admin.json("role", "update", "ops", "--any-org", "--permission", "stats.read")["permissions"] == [
        "stats.read", "self.read", "self.write"]
    admin.run("account", "set-role", account, "ops")
    admin.refused("role", "delete", "ops", code="role_in_use", check=6)
    assert re.search(r"ops +Operators +1 +3 +all", admin.run("role", "list").stdout)
    admin.run("account", "set-role", account, "user")
    assert admin.run("role", "delete", "ops").stdout == "Deleted\n"


def test_permissions_are_explained(admin):
    out = admin.run("role", "permissions", COLUMNS="80").stdout
    assert "…" not in out and re.search(r"(?m)^audit\.read +\w", out) and len(out.splitlines()) > 30
    shown = admin.run("role", "show", "guest", COLUMNS="80").stdout
    assert re.search(r"(?m)^download\.request +Download what one may have$", shown) and "audit.read" not in shown
    assert len(admin.json("role", "permissions")["items"]) == len(out.splitlines()) - 1


def test_organisations_have_members(admin, account):
    admin.run("org", "create", "Old Name")
    admin.run("account", "update", account, "--org", "Old Name")
    assert admin.json("org", "update", "Old Name", "--name", "New Name")["name"] == "New Name"
    assert [m["email"] for m in admin.json("org", "members", "New Name")["items"]] == [account]
    assert "org members" in admin.refused("org", "delete", "New Name", code="organisation_not_empty", check=6)["hint"]
    admin.run("account", "update", account, "--no-org")
    assert "account update" in admin.run("org", "members", "New Name").stdout  # says how to fill it
    assert admin.run("org", "delete", "New Name").stdout == "Deleted\n"


# One's own account --------------------------------------------------------------------------------

def test_a_new_address_counts_after_its_link(server, person):
    new = "new-" + person.email
    assert "until then" in person.run("account", "change-email", new).stdout
    with person.terminal("account", "verify-email") as screen:
        screen.wait_for("The link of the mail: ")
        screen.type(link_to(server, new, "verify-email") + "\n")
        assert screen.wait() == 0 and new in screen.text
    assert person.json("whoami")["email"] == new


def test_a_new_password_ends_the_other_sessions(server, person, tmp_path):
    elsewhere = Person(server, tmp_path / "elsewhere").sign_in(person.email)
    wrong, new = secret_file(tmp_path, "wrong", "not the password"), secret_file(tmp_path, "new", "a new pass phrase")
    person.refused("account", "change-password", "--password-file", wrong, "--new-password-file", new,
                   code="wrong_password", check=4)
    person.run("account", "change-password", "--password-file", server.password_file, "--new-password-file", new)
    assert person.json("whoami")["email"] == person.email
    elsewhere.run("whoami", check=3)
    elsewhere.sign_in(person.email, new)


def test_a_forgotten_password_is_chosen_anew(server, person, tmp_path):
    same = [person.run("account", "forgot-password", email).stdout.replace(email, "X")
            for email in (person.email, "nobody@mail.test")]
    assert same[0] == same[1]
    link = secret_file(tmp_path, "link", link_to(server, person.email, "reset-password"))
    new = secret_file(tmp_path, "new", "one that is remembered")
    person.run("account", "reset-password", "--link-file", link, "--password-file", new)
    person.refused("account", "reset-password", "--link-file", link, "--password-file", new, code="reset_invalid",
                   check=4)
    person.run("whoami", check=3)  # every session has ended
    person.sign_in(person.email, new)


def test_one_s_own_account_ends_and_nothing_stays_behind(person, admin):
    with person.terminal("account", "close") as screen:
        screen.wait_for("Type yes: ")
        screen.type("yes\n")
        assert screen.wait() == 0 and f"Deleted {person.email}" in screen.text
    assert not person.signed_in
    admin.refused("account", "show", person.email, code="account_not_found", check=5)


def test_identities_are_linked_in_a_browser(server, person):
    assert f"{server.url}/account/identities" in person.run("identity", "list").stdout


# Sessions -----------------------------------------------------------------------------------------

def test_another_account_is_signed_out_everywhere(admin, person):
    shown = admin.run("session", "list", "--account", person.email, COLUMNS="80").stdout
    assert "slipway/" in shown and "ses_" in shown
    assert len(admin.json("session", "list", "--account", person.email)["items"]) == 1
    admin.run("session", "end", "--account", person.email)
    person.run("whoami", check=3)


def test_one_s_own_sessions_end_one_by_one(server, person, tmp_path):
    elsewhere = Person(server, tmp_path / "elsewhere").sign_in(person.email)
    listed = person.json("session", "list")["items"]
    other = next(s["id"] for s in listed if not s["current"])
    assert person.run("session", "end", other).stdout == "Ended\n"
    elsewhere.run("whoami", check=3)
    elsewhere.sign_in(person.email)
    person.run("session", "end", "--others")
    assert [s["current"] for s in person.json("session", "list")["items"]] == [True]


def waiting(server, tmp_path):
    """A program that waits with a code; gives it and the code."""
    other = Person(server, tmp_path / "other")
    process = subprocess.Popen([slipway.SLIPWAY, "login", "--device-code", "--json"], env=other.env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())["user_code"]


def test_a_program_that_waits_is_approved_after_a_yes(server, person, tmp_path):
    process, code = waiting(server, tmp_path)
    for answer, result in (("no", 13), ("yes", 0)):
        with person.terminal("session", "approve", code) as screen:
            screen.wait_for("Is this you.* Type yes: ")
            assert "Slipway command line" in screen.text and "127.0.0.0/24" in screen.text
            screen.type(answer + "\n")
            assert screen.wait() == result
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and json.loads(out)["email"] == person.email


def test_a_program_that_waits_is_refused(server, person, tmp_path):
    process, code = waiting(server, tmp_path)
    person.run("session", "refuse", code.lower())
    process.communicate(timeout=60)
    assert process.returncode == 4


# Second factors -----------------------------------------------------------------------------------

def test_a_passkey_is_listed_and_removed(server, person):
    assert f"{server.url}/account/security" in person.run("factor", "list").stdout
    token = next(iter(person.signed_in.values()))["access_token"]
    begun = server.api("POST", "/me/passkeys/options", token=token, status=200).json
    made = server.api("POST", "/me/passkeys", {"ticket": begun["ticket"], "name": "Blue key",
                      "credential": Passkey().create(begun["options"])}, token, 201).json
    shown = person.run("factor", "list", COLUMNS="80").stdout
    assert re.search(r"passkey +Blue key", shown) and made["id"] in shown
    person.refused("factor", "remove", "fac_none", code="not_found", check=5)
    person.run("factor", "remove", made["id"])
    assert person.json("factor", "list")["factors"] == []


def test_lost_factors_are_taken_away(server, admin, person):
    token = next(iter(person.signed_in.values()))["access_token"]
    begun = server.api("POST", "/me/totp", token=token, status=201).json
    server.api("POST", "/me/totp/confirm", {"otp": App(begun["secret"]).password()}, token, 200)
    admin.run("factor", "reset", person.email)
    person.run("whoami", check=3)
    assert person.sign_in(person.email).json("factor", "list")["factors"] == []


def test_the_secret_is_drawn_and_written(person):
    with person.terminal("factor", "enrol") as screen:
        screen.wait_for("Code the app shows: ")
        assert "\x1b[30;107m" in screen.text and re.search(r"\n  [A-Z2-7]{32}\r\n", screen.text)
        assert all(len(line) <= 80 for line in screen.lines)
        screen.type("000000\n")
        assert screen.wait() == 4 and "wrong" in screen.text


# API keys and tokens ------------------------------------------------------------------------------

def test_everybody_has_keys_of_their_own(admin, person):
    made = person.json("key", "create", "mine", "--permission", "self.read")
    assert made["key_id"] == made["id"] and made["key"].startswith("slk_")
    assert re.search(r"mine .* active", person.run("key", "list", "--mine").stdout)
    another = admin.json("key", "create", "admins", "--permission", "self.read")
    person.refused("key", "revoke", another["id"], code="key_not_found", check=5)
    person.run("key", "revoke", made["id"])
    assert re.search(r"mine .* revoked", person.run("key", "list", "--mine").stdout)
    person.run("whoami", check=3, SLIPWAY_API_KEY=made["key"])
    # Who has key.write revokes everybody's.
    made = person.json("key", "create", "second", "--permission", "self.read")
    shown = person.run("whoami", SLIPWAY_API_KEY=made["key"]).stdout
    assert re.search("signed in with +an API key", shown)
    admin.run("key", "revoke", made["id"])
    person.run("whoami", check=3, SLIPWAY_API_KEY=made["key"])


def test_a_token_is_inspected(admin, person, tmp_path):
    token = secret_file(tmp_path, "token", next(iter(person.signed_in.values()))["access_token"])
    said = person.run("token", "inspect", "--token-file", token, "--json", check=4)
    assert json.loads(said.stderr)["code"] == "insufficient_scope"
    assert admin.json("token", "inspect", "--token-file", token)["active"]
    person.run("logout")
    assert admin.json("token", "inspect", "--token-file", token) == {"active": False}


def test_a_provider_is_changed(admin):
    admin.run("provider", "create", "sso", "--issuer", "https://sso.example.test", "--client-id", "slipway", "--rule",
              "group=ops,role=admin", "--trusted-factor")
    changed = admin.json("provider", "update", "sso", "--title", "Company", "--state", "disabled", "--rule",
                         "domain=example.test,role=user", "--no-trusted-factor")
    assert (changed["title"], changed["state"], changed["trusted_factor"]) == ("Company", "disabled", False)
    assert [(r["domain"], r["role"]) for r in changed["rules"]] == [("example.test", "user")]
    admin.run("provider", "delete", "sso")


# On the screen ------------------------------------------------------------------------------------

LISTS = [["account", "list"], ["invitation", "list"], ["role", "list"], ["org", "list"], ["session", "list"],
         ["key", "list"], ["licence", "list"], ["device", "list"], ["download", "list"], ["factor", "list"]]


@pytest.fixture(scope="module")
def long_names(server, admin):
    """One of everything, with names as long as they come."""
    for words in (["org", "create", "株式会社サンプル " + LONG], ["role", "create", "r" * 40, "--title", LONG,
                  "--permission", "self.read"], ["product", "create", "p" * 60], ["key", "create", LONG,
                  "--permission", "self.read", "--permission", "release.read.draft"]):
        admin.run(*words)
    email = f"{'e' * 60}@{'d' * 60}.example.com"
    admin.run("account", "create", "--email", email, "--role", "r" * 40, "--org", "株式会社サンプル " + LONG,
              "--password-file", server.password_file)
    admin.run("invitation", "create", "i" + email, "--role", "r" * 40, "--org", "株式会社サンプル " + LONG)
    licence = admin.json("licence", "create", "--account", email, "--product", "p" * 60)
    device = server.api("POST", "/licences/activate", {"licence_key": licence["licence_key"], "device": {
        "name": "新しい " + LONG, "os": "linux", "arch": "amd64", "fingerprint": "0123456789abcdef"}}, status=200).json
    file = slipway.make_deb(server.dir / "p.deb", "p")
    release = server.publish(file, "p" * 60, "1.0.0-" + "v" * 40, "linux-amd64", "stable", "licensed")
    server.api("POST", "/downloads/token", {"package_id": release["packages"][0]["id"]}, device["access_token"], 200)
    return email


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
@pytest.mark.parametrize("width", [80, 60])
def test_lists_fit_the_terminal_and_show_whole_ids(admin, long_names, words, width):
    with admin.terminal(*words, columns=width) as screen:
        assert screen.wait() == 0
        assert all(columns(line) <= width for line in screen.lines), screen.text
        for found in re.findall(r"\b(?:key|lic|dev|dl|ses)_[0-9a-z]+…?", screen.text):
            assert len(found.partition("_")[2]) == 26, found


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_a_pipe_gets_whole_values_on_one_line_each(admin, long_names, words):
    out = admin.run(*words).stdout
    assert "…" not in out.replace("… and more", "")
    if words[0] not in ("factor", "role"):
        assert len(out.splitlines()) == len(admin.json(*words)["items"]) + 1


def test_names_stand_where_ids_did(admin, long_names):
    shown = {what: admin.run(what, "list").stdout for what in ("device", "download")}
    assert long_names in shown["device"] and "linux-amd64" in shown["device"] and "新しい" in shown["device"]
    assert long_names in shown["download"] and f"{'p' * 60} 1.0.0-{'v' * 40} linux-amd64" in shown["download"]
    assert len(admin.json("device", "list", "--account", long_names)["items"]) == 1
    assert len(admin.json("download", "list", "--account", long_names)["items"]) == 1


# Completion ---------------------------------------------------------------------------------------

def complete(person, *words, **env):
    return [line.split("\t") for line in person.run("__complete", *words, **env).stdout.splitlines()]


def test_completion_knows_what_the_server_has(admin):
    admin.run("role", "create", "completed", "--title", "To be completed", "--permission", "self.read")
    admin.run("org", "create", "Completed\tLtd; $(reboot)")
    assert complete(admin, "role", "show", "comp") == [["completed", "To be completed"]]
    assert [c[0] for c in complete(admin, "account", "create", "--role", "")][:3] == ["admin", "user", "guest"]
    assert ["audit.read", "Read, export and verify the audit log"] in complete(admin, "role", "update", "x", "--add", "")
    assert [c[0] for c in complete(admin, "org", "show", "Compl")] == ["Completed Ltd; $(reboot)"]
    assert slipway.ADMIN_EMAIL in [c[0] for c in complete(admin, "account", "show", "ad")]
    script = f"""
        PATH={slipway.BUILD}:$PATH
        eval "$(slipway completion bash)"
        COMP_WORDS=(slipway org show Compl); COMP_CWORD=3; _slipway; echo "${{COMPREPLY[*]}}"
    """
    done = subprocess.run(["bash", "-c", script], env=admin.env, capture_output=True, text=True)
    assert done.stdout == "Completed\\ Ltd\\;\\ \\$\\(reboot\\)\n"


def test_completion_is_silent_where_nobody_answers(admin, tmp_path, server):
    nowhere = f"https://127.0.0.1:{slipway.free_port()}"
    assert complete(admin, "role", "show", "", SLIPWAY_SERVER=nowhere) == []
    assert complete(Person(server, tmp_path / "nobody"), "role", "show", "") == []
    # Globals on the line count.
    assert complete(admin, "--server", nowhere, "role", "show", "") == []
    assert complete(admin, f"--server={server.url}", "role", "show", "gue", SLIPWAY_SERVER=nowhere)[0][0] == "guest"
