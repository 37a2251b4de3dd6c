"""The way in, for who has the machine: an interrupted init, a lost set-up token, a lost password."""
import contextlib
import json
import os
import pathlib
import subprocess

import pytest

import control
import slipway

ANOTHER = "quite another long password"


@pytest.fixture
def place(database, postgresql):
    """A fresh data directory with an administrator, not started."""
    made = slipway.Server(database if database == "sqlite" else postgresql())
    made.database = next(line.split(" = ")[1] for line in
                         (made.data / "slipway.conf").read_text().splitlines()
                         if line.startswith("database = "))
    yield made
    made.close()


def run(*words):
    return subprocess.run([str(w) for w in (slipway.SLIPWAY, *words)], capture_output=True, text=True,
                          timeout=60)


def init(place, email=slipway.ADMIN_EMAIL, password=ANOTHER):
    place.password_file.write_text(password + "\n")
    return run("init", "--data", place.data, "--database", place.database, "--admin-email", email,
               "--admin-password-file", place.password_file)


def login(place, password, email=slipway.ADMIN_EMAIL):
    return place.api("POST", "/auth/login", {"email": email, "password": password})


def set_up(place, token, email, password=ANOTHER):
    return place.api("POST", "/setup", {"token": token, "email": email, "password": password})


def new_token(place):
    made = run("setup-token", "--data", place.data, "--json")
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)["setup_token"]


def interrupt(place):
    """As if init had been killed before its last step, which is to write the settings. What serve has
    left goes too: a directory that was served is no interrupted init, and refused."""
    for name in ("slipway.conf", "slipway.lock", "nginx.conf"):
        (place.data / name).unlink(missing_ok=True)


def test_an_interrupted_init_goes_on(place):
    interrupt(place)
    (place.data / ".tmp-Ab12Cd").write_text("half of slipway.co")  # killed while it wrote them
    again = init(place)
    assert again.returncode == 0, again.stderr
    refused = init(place)
    assert refused.returncode == 6 and "holds a Slipway server already" in refused.stderr
    place.start()
    assert login(place, ANOTHER).status == 200
    assert login(place, slipway.ADMIN_PASSWORD).status == 401


def test_an_interrupted_init_takes_no_users_account(place):
    place.start()
    place.cli("account", "create", "--email", "jo@example.com", "--role", "user", "--password-file",
              place.password_file)
    place.stop()
    interrupt(place)
    refused = init(place, "jo@example.com")
    assert refused.returncode == 6 and "no administrator" in refused.stderr
    assert init(place).returncode == 0
    place.start()
    assert login(place, slipway.ADMIN_PASSWORD, "jo@example.com").status == 200


def test_a_lost_password_is_replaced_by_a_token_of_the_machine(place):
    place.start()
    before = login(place, slipway.ADMIN_PASSWORD).json
    place.cli("account", "create", "--email", "jo@example.com", "--role", "user", "--password-file",
              place.password_file)
    key = place.api("POST", "/me/keys", {"name": "a thief's", "permissions": ["self.read"]},
                    before["access_token"], 201).json["key"]
    lost, token = new_token(place), new_token(place)
    if os.getuid() == 0:  # made by root, used by the server's account
        assert {p.owner() for p in pathlib.Path(place.data / "db").iterdir()} <= {"slipway"}

    assert set_up(place, lost, slipway.ADMIN_EMAIL).json["code"] == "setup_token_invalid"
    assert set_up(place, token, "jo@example.com").json["code"] == "email_taken"
    assert set_up(place, token, slipway.ADMIN_EMAIL, "short").status == 400
    recovered = set_up(place, token, slipway.ADMIN_EMAIL)
    assert recovered.status == 201 and recovered.json["role"] == "admin"
    assert set_up(place, token, slipway.ADMIN_EMAIL).json["code"] == "setup_token_invalid"

    assert place.api("GET", "/me", token=before["access_token"]).status == 401
    assert place.api("GET", "/me", token=key).status == 401
    assert place.api("POST", "/auth/refresh", {"refresh_token": before["refresh_token"]}).status == 401
    assert login(place, slipway.ADMIN_PASSWORD).status == 401
    admin = login(place, ANOTHER).json["access_token"]
    entries = place.api("GET", "/admin/audit", token=admin, status=200).json["items"]
    made = [e for e in entries if e["action"] == "setup.token"]
    assert len(made) == 2 and {e["actor"] for e in made} == {"system"}
    assert [e["object"] for e in entries if e["action"] == "account.recover"] == [recovered.json["id"]]


def test_a_disabled_administrator_is_enabled(place):
    """The last one cannot be disabled by the API; by another one it can, who then left."""
    place.start()
    place.cli("account", "create", "--email", "boss@example.com", "--role", "admin", "--password-file",
              place.password_file)
    boss = login(place, slipway.ADMIN_PASSWORD, "boss@example.com").json["access_token"]
    place.api("PATCH", f"/admin/accounts/{slipway.ADMIN_EMAIL}", {"state": "disabled"}, boss, 200)
    assert login(place, slipway.ADMIN_PASSWORD).status == 403
    assert set_up(place, new_token(place), slipway.ADMIN_EMAIL).json["state"] == "active"
    assert login(place, ANOTHER).status == 200


def test_a_token_makes_another_administrator(place):
    token = new_token(place)  # while the server is not running
    place.start()
    assert set_up(place, token, "new@example.com").status == 201
    answer = login(place, ANOTHER, "new@example.com")
    assert answer.status == 200 or answer.json["code"] == "mfa_required"
    assert login(place, slipway.ADMIN_PASSWORD).status == 200


def test_a_token_is_good_for_a_day(database, postgresql):
    """Its text may lie in a terminal or a file for years; another one is a command away."""
    plane = control.Control(database if database == "sqlite" else postgresql(), setup_token=True)
    body = {"email": "admin@example.com", "password": ANOTHER}

    def refused(token, code):
        return plane.refused("POST", "/setup", {"token": token, **body}, status=403, code=code)

    def made_earlier(seconds):
        plane.sql(f"""UPDATE meta SET value = substr(value, 1, 65) || CAST(
            CAST(substr(value, 66) AS BIGINT) - {seconds * 1000000} AS TEXT) WHERE name = 'setup_token'""")

    with contextlib.closing(plane):
        plane.start()
        made_earlier(24 * 3600)
        said = refused(plane.setup_token, "setup_token_expired")
        assert "24 hours" in said and "slipway setup-token --data" in said
        refused("sls_" + "A" * 43, "setup_token_invalid")  # who does not have it learns nothing
        # As it was stored when tokens had no end.
        token = new_token(plane)
        plane.sql("UPDATE meta SET value = substr(value, 1, 64) WHERE name = 'setup_token'")
        refused(token, "setup_token_expired")
        token = new_token(plane)
        made_earlier(23 * 3600)
        plane.api("POST", "/setup", {"token": token, **body}, status=201)


def test_no_server_no_token(tmp_path):
    refused = run("setup-token", "--data", tmp_path)
    assert refused.returncode == 5 and "holds no Slipway server" in refused.stderr
