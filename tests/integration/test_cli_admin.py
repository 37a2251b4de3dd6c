"""`slipway`'s commands against the real server: publishing, sign-ins, what people see."""
import concurrent.futures
import hashlib
import json
import os
import subprocess
import time

import pytest

import slipway
from wire import Wire


@pytest.fixture(scope="module")
def home(server):
    """A person signed in on this machine; gives a function that runs `slipway` as them."""
    base = server.dir / "person"
    (base / "config").mkdir(parents=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
    env |= {"HOME": str(base), "XDG_CONFIG_HOME": str(base / "config"), "COLUMNS": "80"}

    def run(*words, check=0, **more):
        done = subprocess.run([str(w) for w in (slipway.SLIPWAY, *words)], capture_output=True,
                              text=True, timeout=120, env=env, **more)
        if check is not None:
            assert done.returncode == check, f"{words}: {done}"
        return done

    run.config = base / "config" / "slipway"
    run.env = env
    run("login", "--server", server.url, "--ca", server.ca, "--email", slipway.ADMIN_EMAIL,
        "--password-file", server.password_file)
    return run


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")

    def make(version, size=0, name="tool"):
        path = folder / f"{name}_{version}_amd64.deb"
        return path if path.exists() else slipway.make_deb(path, name, version, size=size)
    return make


def credentials(home, server):
    kept = json.loads((home.config / "credentials.json").read_text())
    return kept, kept["servers"][server.url]


def test_sign_in_is_kept_for_its_owner_only(home, server):
    assert (home.config / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert home.config.stat().st_mode & 0o777 == 0o700
    assert slipway.ADMIN_EMAIL in home("whoami").stdout
    assert json.loads(home("whoami", "--json").stdout)["role"] == "admin"


def test_wrong_password_and_unknown_authority(home, server, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("not the password\n")
    wrong.chmod(0o600)
    done = home("login", "--server", server.url, "--ca", server.ca, "--email", slipway.ADMIN_EMAIL,
                "--password-file", wrong, check=3)
    assert "request id: " in done.stderr
    home("whoami")  # the earlier sign-in is untouched
    other = tmp_path / "ca.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", os.devnull, "-subj", "/CN=other", "-out", other],
                   check=True, capture_output=True)
    done = home("product", "list", "--ca", other, "--json", check=11)
    assert json.loads(done.stderr)["code"] == "certificate"


def test_expired_access_is_renewed_once_by_runs_side_by_side(home, server):
    kept, mine = credentials(home, server)
    mine["access_expires"] = "2020-01-01T00:00:00Z"
    (home.config / "credentials.json").write_text(json.dumps(kept))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: home("whoami").returncode == 0, range(8)))
    _, renewed = credentials(home, server)
    assert renewed["refresh_token"] != mine["refresh_token"]
    home("whoami")  # had the token been used twice, the session would have ended


def test_publish_for_people_and_scripts(home, deb):
    home("publish", deb("1.0.0"), "--product", "tool", "--version", "1.0.0", "--platform",
         "linux-amd64", check=5)
    home("product", "create", "tool", "--title", "A tool")
    publish = ["publish", deb("1.0.0"), "--product", "tool", "--version", "1.0.0", "--platform",
               "linux-amd64", "--class", "public", "--channel", "stable"]
    first = json.loads(home(*publish, "--json").stdout)
    assert first["packages"][0]["sha256"] == hashlib.sha256(deb("1.0.0").read_bytes()).hexdigest()
    assert first["packages"][0]["size"] == deb("1.0.0").stat().st_size
    assert first["state"] == "published"
    again = json.loads(home(*publish, "--json").stdout)
    assert again["release_id"] == first["release_id"]
    assert again["packages"][0]["id"] == first["packages"][0]["id"]
    home("publish", deb("1.0.1"), *publish[2:], check=6)  # other bytes, same version
    assert "tool 1.0.0: published" in home(*publish).stdout
    assert "published" in home("release", "list").stdout
    assert json.loads(home("release", "show", "tool@1.0.0", "--json").stdout)["packages"]
    home("release", "show", "tool@9.9.9", check=5)
    home("release", "show", "tool@nine", check=2)


def test_draft_strict_and_mistakes(home, deb, tmp_path):
    base = ["--product", "tool", "--platform", "linux-amd64", "--class", "public"]
    draft = json.loads(home("publish", deb("2.0.0"), "--version", "2.0.0", "--draft", *base,
                            "--channel", "beta", "--json").stdout)
    assert draft["state"] == "draft"
    home("publish", deb("2.0.0"), "--version", "2.1.0", "--strict", *base, check=2)
    warned = home("publish", deb("2.0.0"), "--version", "2.2.0", "--draft", *base)
    assert "warning" in warned.stderr
    empty = tmp_path / "empty.deb"
    empty.touch()
    home("publish", empty, "--version", "2.3.0", *base, check=2)
    odd = tmp_path / "-odd name;.deb"
    odd.write_bytes(b"x")
    home("publish", odd, "--version", "2.3.0", *base, check=2)
    notes = tmp_path / "notes.md"
    notes.write_text("# Better\n\x1b[31mred")
    home("release", "notes", "tool@2.0.0", notes, check=2)  # could command a terminal
    notes.write_text("# Better\n\n* faster\n")
    home("release", "notes", "tool@2.0.0", notes)
    assert "# Better\n\n* faster\n" in home("release", "notes", "tool@2.0.0").stdout


def test_signed_products_take_signed_packages_only(home, deb, tmp_path):
    home("product", "create", "signed")
    home("keygen", "--output", tmp_path / "k")
    home("product", "add-key", "signed", tmp_path / "k.pub")
    publish = ["publish", deb("1.0.0"), "--product", "signed", "--version", "1.0.0", "--platform",
               "linux-amd64", "--class", "public"]
    unsigned = home(*publish, "--json", check=None)
    assert unsigned.returncode and "sign" in json.loads(unsigned.stderr.splitlines()[-1])["detail"]
    done = json.loads(home(*publish, "--sign-key", tmp_path / "k.key", "--json").stdout)
    assert done["packages"][0]["signature"].startswith("untrusted comment:")
    home("sign", deb("1.0.1"), "--key", tmp_path / "k.key")
    home("publish", deb("1.0.1"), "--signature", f"{deb('1.0.1')}.minisig", "--product", "signed",
         "--version", "1.0.1", "--platform", "linux-amd64", "--class", "public")


def test_killed_upload_goes_on_in_the_next_run(home, server, deb):
    file = deb("3.0.0", size=8_000_000)
    words = [slipway.SLIPWAY, "publish", file, "--product", "tool", "--version", "3.0.0",
             "--platform", "linux-amd64", "--class", "public", "--json", "--ca", server.ca]
    token = server.login()
    with Wire(server.https, bytes_per_second=4_000_000, upstream=True) as wire:
        words += ["--server", wire.url, "--token", token]
        first = subprocess.Popen([str(w) for w in words], env=home.env, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        slipway.wait_until(lambda: wire.bytes > 3_000_000, "the upload to be half way")
        first.kill()
        first.wait()
        sent = wire.bytes
        second = subprocess.run([str(w) for w in words], env=home.env, capture_output=True, text=True)
        assert second.returncode == 0, second
        assert "going on with an interrupted upload" in second.stderr
        assert wire.bytes - sent < file.stat().st_size - 1_000_000
    packages = json.loads(second.stdout)["packages"]
    assert packages[0]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert not (home.config / "uploads" / f"{packages[0]['sha256']}.json").exists()


def test_a_refused_file_is_explained_and_leaves_nothing(home, server, tmp_path, deb):
    """The server's words, and no draft that would be in the way of the next try."""
    fake = tmp_path / "fake.msi"
    fake.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"x" * 500)
    text = tmp_path / "notes.txt"
    text.write_text("not a package\n")
    for file, platform, code, said in (
            (fake, "windows-amd64", "inspection_failed", "its structure is damaged"),
            (text, "linux-amd64", "unknown_format", "none of the package formats known here"),
            (deb("3.2.0"), "windows-amd64", None, "The file is for linux-amd64, not for windows-amd64.")):
        for _ in range(2):  # the second time says the same
            done = home("publish", file, "--product", "tool", "--version", "3.2.0", "--platform", platform,
                        "--class", "public", "--json", check=2)
            told = json.loads(done.stderr.splitlines()[-1])
            assert said in told["detail"] and code in (None, told["code"]), told
    home("release", "show", "tool@3.2.0", check=5)
    home("publish", deb("3.2.0"), "--product", "tool", "--version", "3.2.0", "--platform", "linux-amd64",
         "--class", "public")


def test_drafts_are_deleted_published_releases_are_not(home, server, deb):
    home("publish", deb("3.3.0"), "--product", "tool", "--version", "3.3.0", "--platform", "linux-amd64",
         "--class", "public", "--requires", "tool2@^1", check=2)  # there is no such product
    home("release", "show", "tool@3.3.0", check=5)
    home("publish", deb("3.3.0"), "--product", "tool", "--version", "3.3.0", "--platform", "linux-amd64",
         "--class", "public", "--draft")
    assert home("release", "delete", "tool@3.3.0").stdout == "Deleted\n"
    home("release", "show", "tool@3.3.0", check=5)
    done = home("release", "delete", "tool@3.2.0", check=6)
    assert "a release that was published is withdrawn" in done.stderr


def test_packages_by_the_name_of_their_release(home, server, deb):
    for version, platforms in (("3.4.0", ["linux-amd64"]), ("3.5.0", ["linux-amd64", "linux-any"])):
        for platform in platforms:
            home("publish", deb(version) if platform == "linux-amd64" else slipway.make_deb(
                deb(version).with_name("any.deb"), "tool", version, architecture="all"),
                "--product", "tool", "--version", version, "--platform", platform, "--class", "public")
    shown = json.loads(home("package", "show", "tool@3.4.0", "--json").stdout)
    assert shown["filename"] == "tool_3.4.0_amd64.deb"
    assert json.loads(home("explain", "--package", "tool@3.4.0", "--json").stdout)["allowed"]
    done = home("package", "block", "tool@3.5.0", "--reason", "which?", check=2)
    assert "has 2 packages" in done.stderr and "linux-any" in done.stderr
    home("package", "block", "tool@3.4.0", "--reason", "a hole")
    shown = home("explain", "--package", "tool@3.4.0").stdout
    assert "package_blocked" in shown and "slipway package unblock PACKAGE" in shown
    home("package", "unblock", "tool@3.4.0")
    assert "names no package" in home("package", "show", "tool", check=2).stderr


def test_cut_upload_goes_on_within_the_run(home, server, deb):
    file = deb("3.1.0", size=6_000_000)
    with Wire(server.https, cut_after=[1_500_000, 900_000, 2_500_000], upstream=True) as wire:
        done = home("publish", file, "--product", "tool", "--version", "3.1.0", "--platform",
                    "linux-amd64", "--class", "public", "--json", "--server", wire.url, "--ca",
                    server.ca, "--token", server.login(), check=None)
        assert done.returncode == 0, done
        assert wire.connections == 4
    assert json.loads(done.stdout)["packages"][0]["size"] == file.stat().st_size


def test_accounts_and_keys(home, server, tmp_path):
    password = tmp_path / "password"
    password.write_text("a long enough password\n")
    password.chmod(0o644)
    made = home("account", "create", "--email", "jo@example.com", "--role", "user",
                "--password-file", password, "--json")
    assert json.loads(made.stdout)["account_id"].startswith("acc_")
    assert "chmod 600" in made.stderr
    home("account", "create", "--email", "jo@example.com", "--role", "user", "--password-file",
         password, check=6)
    assert json.loads(home("account", "disable", "jo@example.com", "--json").stdout)["state"] == \
        "disabled"
    home("account", "enable", "jo@example.com")
    home("account", "set-role", "jo@example.com", "guest")
    home("account", "show", "nobody@example.com", check=5)
    key = json.loads(home("key", "create", "ci", "--permission", "product.read", "--json").stdout)
    as_key = {**home.env, "SLIPWAY_API_KEY": key["key"]}
    done = subprocess.run([slipway.SLIPWAY, "product", "list"], env=as_key, capture_output=True)
    assert done.returncode == 0
    done = subprocess.run([slipway.SLIPWAY, "account", "list"], env=as_key, capture_output=True)
    assert done.returncode == 4
    home("key", "revoke", key["id"])
    done = subprocess.run([slipway.SLIPWAY, "product", "list"], env=as_key, capture_output=True)
    assert done.returncode == 3
    actions = {e["action"] for e in json.loads(home("audit", "list", "--json").stdout)["items"]}
    assert {"account.create", "key.create"} <= actions


def test_lists_fit_80_columns_and_page(home):
    for number in range(5):
        home("org", "create", f"株式会社サンプル{number} with a name that goes on and on and on and on")
    for words in (["org", "list"], ["account", "list"], ["audit", "list"], ["release", "list"],
                  ["package", "list"], ["key", "list"], ["stats"]):
        out = home(*words).stdout
        assert all(len(line.encode("utf-16-le")) // 2 <= 80 for line in out.splitlines()), out
    page = json.loads(home("org", "list", "--limit", "2", "--json").stdout)
    assert len(page["items"]) == 2 and page["next_cursor"]
    assert "--limit" in home("org", "list", "--limit", "2").stdout


def test_doctor_of_a_running_server(home, server):
    done = home("doctor", "--data", server.data, "--json", check=None)
    found = json.loads(done.stdout)
    problems = [c for c in found["checks"] if c["status"] == "problem"]
    assert done.returncode == 0 and not problems, problems
    assert {"settings", "permissions", "certificate", "disk", "nginx", "server", "sign-in"} <= \
        {c["check"] for c in found["checks"]}
    (server.data / "keys").chmod(0o755)
    try:
        done = home("doctor", "--data", server.data, "--json", check=6)
        assert any(c["check"] == "permissions" for c in json.loads(done.stdout)["checks"]
                   if c["status"] == "problem")
    finally:
        (server.data / "keys").chmod(0o700)


def test_logout_ends_it_here_and_there(home, server):
    _, mine = credentials(home, server)
    home("logout")
    done = home("whoami", "--server", server.url, "--ca", server.ca, check=3)
    assert "slipway login" in done.stderr
    deadline = time.monotonic() + 5
    while server.api("GET", "/me", token=mine["access_token"]).status != 401:
        assert time.monotonic() < deadline
    assert server.api("POST", "/auth/refresh", {"refresh_token": mine["refresh_token"]}).status == 401
    home("logout", "--server", server.url, "--ca", server.ca, check=5)
