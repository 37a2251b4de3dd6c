"""Jobs of a CI provider that publish: with an API key and nothing else, and with no secret at all."""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess

import pytest

import ci
import slipway
from control import claims_of


@pytest.fixture(scope="module")
def server(database):
    running = slipway.Server(database, ["net.allow_insecure_loopback=true"])
    try:
        running.start()
        for name in ("vpn", "other"):
            running.cli("product", "create", name, "--title", name)
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def issuer():
    running = ci.Issuer()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def trusted_by_nobody(server):
    yield
    for one in server.admin("GET", "/admin/workload-identities", status=200).json["items"]:
        server.admin("DELETE", f"/admin/workload-identities/{one['id']}", status=204)


@pytest.fixture
def job(server, tmp_path):
    """Runs slipway in a job's environment: a home without credentials, and what the provider adds."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*words, json_wanted=True, **environment):
        env = {"HOME": str(home), "PATH": os.environ["PATH"], "SLIPWAY_SERVER": server.url,
               "SLIPWAY_CA": str(server.ca), **environment}
        done = subprocess.run([slipway.SLIPWAY, *words, *(["--json"] if json_wanted else [])], env=env,
                              capture_output=True, text=True, timeout=120)
        # Nothing is left behind that anybody could find later.
        assert not any(path.is_file() and path.name != "credentials.lock" for path in home.rglob("*"))
        return done

    return run


@pytest.fixture
def deb(tmp_path):
    return slipway.make_deb(tmp_path / "vpn_1.0.0_amd64.deb")


def trust(server, issuer, name, *words):
    return server.cli("workload", "create", name, "--issuer", issuer.issuer, "--condition",
                      "repository=acme/vpn", "--condition", "ref=refs/tags/v*", "--product", "vpn", "--channel",
                      "stable", *words)


def publish(file, version, product="vpn"):
    return ("publish", file, "--product", product, "--version", version, "--channel", "stable", "--platform",
            "linux-amd64", "--class", "public")


def test_a_job_publishes_with_nothing_but_a_key(server, job, deb):
    """What docs/oauth.md tells a CI job to do, with a key for one product."""
    key = server.cli("key", "create", "ci", "--product", "vpn", "--expires", "90d", "--permission",
                     "release.write", "--permission", "release.publish.stable", "--permission",
                     "upload.write", "--permission", "release.read.draft")
    assert key["products"] == ["vpn"]
    done = job(*publish(deb, "1.0.0"), SLIPWAY_API_KEY=key["key"])
    assert done.returncode == 0, done.stderr
    refused = job(*publish(deb, "1.0.0", "other"), SLIPWAY_API_KEY=key["key"])
    assert refused.returncode != 0 and "other" in refused.stderr
    release = server.admin("GET", "/admin/releases?product=vpn", status=200).json["items"][0]
    assert release["state"] == "published"
    # Rotated from the command line, and listed with its owner.
    new = server.cli("key", "rotate", key["id"], "--overlap", "1h")
    assert new["previous_until"] and new["key"] != key["key"]
    assert server.cli("key", "list")["items"][0]["owner"] == slipway.ADMIN_EMAIL


def test_a_job_of_github_publishes_without_a_secret(server, issuer, job, deb):
    """The command asks for the job's token itself, for this server, as often as it needs one."""
    made = trust(server, issuer, "github")
    issuer.job = ci.github_claims(run_id="4711")
    done = job(*publish(deb, "2.0.0"), **issuer.environment())
    assert done.returncode == 0, done.stderr
    release = json.loads(done.stdout)["release_id"]
    entries = server.admin("GET", f"/admin/audit?action=release.publish&object={release}", status=200).json["items"]
    assert (entries[0]["actor_kind"], entries[0]["actor"]) == ("workload", made["id"])
    assert entries[0]["detail"]["job"]["run_id"] == "4711"
    for wanted in ("release.create", "package.create"):
        assert server.admin("GET", f"/admin/audit?actor={made['id']}&action={wanted}").json["items"], wanted
    # Twice in a job is two tokens.
    again = job(*publish(deb, "2.0.1"), **issuer.environment())
    assert again.returncode == 0, again.stderr
    logs = server.log.read_text() + "".join(p.read_text() for p in (server.data / "log").glob("*") if p.is_file())
    assert issuer.request_token not in logs and "subject_token" not in logs


def test_a_job_of_gitlab_has_one_token(server, issuer, job, deb, tmp_path):
    server.cli("workload", "create", "gitlab", "--gitlab", "acme/vpn", "--issuer", issuer.issuer, "--ref",
               "refs/tags/v*", "--product", "vpn", "--channel", "stable")
    token = issuer.token(server.url, ci.gitlab_claims())
    gitlab = {"GITLAB_CI": "true", "CI_PROJECT_PATH": "acme/vpn", "SLIPWAY_ID_TOKEN": token}
    done = job(*publish(deb, "3.0.0"), **gitlab)
    assert done.returncode == 0, done.stderr
    again = job(*publish(deb, "3.0.1"), **gitlab)
    said = json.loads(again.stderr)
    assert again.returncode == 3 and "slipway workload token" in said["hint"], again
    # For several commands it is exchanged once.
    file = tmp_path / "token"
    file.write_text(issuer.token(server.url, ci.gitlab_claims()) + "\n")
    access = job("workload", "token", "--id-token-file", file, json_wanted=False)
    assert access.returncode == 0 and access.stdout.count("\n") == 1
    for version in ("3.0.1", "3.0.2"):
        done = job(*publish(deb, version), SLIPWAY_TOKEN=access.stdout.strip())
        assert done.returncode == 0, done.stderr


def test_a_long_job_gets_another_token(server, issuer, job, deb, tmp_path):
    """When the first one has ended; here because the identity was changed while the command waited for
    its notes, from a pipe."""
    trust(server, issuer, "github")
    issuer.job = ci.github_claims()
    notes, asked = tmp_path / "notes", issuer.asked.count("/actions/token")
    os.mkfifo(notes)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(job, *publish(deb, "4.0.0"), "--notes", notes, **issuer.environment())
        with open(notes, "w") as pipe:  # the command has come so far
            assert issuer.asked.count("/actions/token") == asked + 1
            server.cli("workload", "update", "github", "--lifetime", "10m")
            pipe.write("New")
    assert running.result().returncode == 0, running.result().stderr
    assert issuer.asked.count("/actions/token") == asked + 2


@pytest.mark.parametrize("environment,words", [
    ({"GITHUB_ACTIONS": "true"}, ("id-token: write",)),
    ({"GITLAB_CI": "true"}, ("id_tokens", "SLIPWAY_ID_TOKEN", "aud: https://127.0.0.1")),
    ({}, ("slipway login", "SLIPWAY_API_KEY"))])
def test_a_job_without_a_token_is_told_what_to_set(server, job, environment, words):
    done = job("release", "list", "--product", "vpn", **environment)
    assert done.returncode == 3
    for word in words:
        assert word in json.loads(done.stderr)["hint"], done.stderr
    done = job("workload", "token", **environment)
    assert done.returncode == 3 and json.loads(done.stderr)["code"] == "no_id_token"


def test_refusals_say_what_to_do(server, issuer, job):
    trust(server, issuer, "github")
    issuer.job = ci.github_claims(ref="refs/heads/main")
    done = job("release", "list", "--product", "vpn", **issuer.environment())
    said = json.loads(done.stderr)
    assert done.returncode == 3 and "its 'ref' is 'refs/heads/main'" in said["detail"]
    assert "--github acme/vpn" in said["hint"] and said["request_id"]
    issuer.job = ci.github_claims()
    done = job("account", "list", **issuer.environment())
    assert done.returncode == 4 and "release.publish.stable" in json.loads(done.stderr)["hint"]
    # What the runner gave the job is wrong, or it is away.
    for change, word in (({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "wrong"}, "401"),
                         ({"ACTIONS_ID_TOKEN_REQUEST_URL": "http://ci.example.test/token"}, "https://"),
                         ({"ACTIONS_ID_TOKEN_REQUEST_URL": issuer.issuer + "/nowhere"}, "404")):
        done = job("release", "list", "--product", "vpn", **{**issuer.environment(), **change})
        assert done.returncode != 0 and word in json.loads(done.stderr)["detail"], done.stderr
    done = job("release", "list", "--product", "vpn", SLIPWAY_ID_TOKEN="garbage")
    assert done.returncode == 3 and "no signed JSON Web Token" in json.loads(done.stderr)["detail"]


def test_names_and_audiences_of_ones_own(server, issuer, job):
    trust(server, issuer, "a", "--audience", "slipway:a")
    trust(server, issuer, "b", "--audience", "slipway:b", "--lifetime", "5m")
    made = {one["name"]: one["id"] for one in server.cli("workload", "list")["items"]}
    issuer.job = ci.github_claims()
    environment = {**issuer.environment(), "SLIPWAY_AUDIENCE": "slipway:b", "SLIPWAY_WORKLOAD": "b"}
    done = json.loads(job("workload", "token", **environment).stdout)
    claims = claims_of(done["access_token"])
    assert claims["sub"] == made["b"] and claims["exp"] - claims["iat"] == 300
    done = job("workload", "token", **{**environment, "SLIPWAY_WORKLOAD": "a"})
    assert done.returncode == 3 and json.loads(done.stderr)["code"] == "invalid_grant"


def test_a_stored_sign_in_counts_before_what_github_offers(server, issuer, tmp_path):
    """But not before a token that was put there for us."""
    trust(server, issuer, "github")
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "SLIPWAY_SERVER": server.url,
           "SLIPWAY_CA": str(server.ca)}

    def run(*words, **more):
        return subprocess.run([slipway.SLIPWAY, *words, "--json"], env={**env, **more}, capture_output=True,
                              text=True, timeout=60)

    assert run("login", "--email", slipway.ADMIN_EMAIL, "--password-file", server.password_file).returncode == 0
    issuer.job = ci.github_claims()
    assert json.loads(run("whoami", **issuer.environment()).stdout)["email"] == slipway.ADMIN_EMAIL
    refused = run("whoami", SLIPWAY_ID_TOKEN=issuer.token(server.url))
    assert json.loads(refused.stderr)["code"] == "account_needed"


def test_the_data_plane_knows_when_a_token_has_ended(server, issuer, job):
    trust(server, issuer, "github")
    issuer.job = ci.github_claims()
    token = json.loads(job("workload", "token", **issuer.environment()).stdout)["access_token"]
    check = "/api/v1/updates/check?product=vpn&version=0.0.1&platform=linux-amd64&channel=stable"
    assert server.request("GET", check, token=token).json["reason"] != "credentials_stale"
    server.cli("workload", "update", "github", "--state", "disabled")
    assert server.request("GET", check, token=token).json["reason"] == "credentials_stale"
    assert server.request("GET", check, token=issuer.token(server.url)).status == 401
    # So do those of an account that is disabled.
    account = server.cli("account", "create", "--email", "jo@example.com", "--role", "admin", "--password-file",
                         server.password_file)
    server.cli("workload", "update", "github", "--state", "active", token=server.login("jo@example.com"))
    token = json.loads(job("workload", "token", **issuer.environment()).stdout)["access_token"]
    assert server.request("GET", check, token=token).json["reason"] != "credentials_stale"
    server.cli("account", "disable", account["id"])
    assert server.request("GET", check, token=token).json["reason"] == "credentials_stale"


@pytest.mark.parametrize("name,version", [("github-actions", "5.0.0"), ("gitlab-ci", "5.1.0")])
def test_the_examples_are_true(server, issuer, tmp_path, name, version):
    """deploy/ci: what the administrator types, and what the job runs with what it is given."""
    text = (slipway.ROOT / "deploy" / "ci" / f"{name}.yml").read_text()
    server.cli(*shlex.split(re.search(r"(?m)^#   slipway (workload create .*)$", text)[1]), "--issuer", issuer.issuer)
    assert re.search(r"SLIPWAY_SERVER: (\S+)", text)[1] == "https://packages.example.com"
    issuer.job = ci.github_claims(ref=f"refs/tags/v{version}")
    if name == "github-actions":
        assert "id-token: write" in text
        given = {**issuer.environment(), "VERSION": f"v{version}"}
    else:
        assert re.search(r"SLIPWAY_ID_TOKEN: [^\n]*\n +aud: https://packages.example.com\n", text)
        given = {"SLIPWAY_ID_TOKEN": issuer.token(server.url, ci.gitlab_claims(ref=f"v{version}")),
                 "CI_COMMIT_TAG": f"v{version}"}
    slipway.make_deb(tmp_path / f"vpn_{version}_amd64.deb", version=version)
    done = subprocess.run(
        ["bash", "-euc", re.search(r"(?m)^ +- (?:run: )?(slipway .*\n.*)$", text)[1].replace("\n", " ")], cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": f"{slipway.BUILD}:{os.environ['PATH']}", "SLIPWAY_SERVER": server.url,
             "SLIPWAY_CA": str(server.ca), **given}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    manifest = server.request("GET", f"/api/v1/packages/manifest?product=vpn&version={version}").json
    assert manifest["releases"][0]["version"] == version


# Administration from the command line -------------------------------------------------------------

def test_presets(server):
    made = server.cli("workload", "create", "tags", "--github", "acme/vpn", "--ref", "refs/tags/v*",
                      "--environment", "production", "--product", "vpn", "--channel", "stable", "--channel", "beta",
                      "--permission", "product.read")
    assert made["issuer"] == "https://token.actions.githubusercontent.com" and made["audience"] == server.url
    assert {c["claim"]: c["pattern"] for c in made["conditions"]} == {
        "repository": "acme/vpn", "ref": "refs/tags/v*", "environment": "production"}
    assert set(made["permissions"]) == {"upload.write", "release.write", "release.read.draft", "product.read",
                                        "release.publish.stable", "release.publish.beta"}
    made = server.cli("workload", "create", "lab", "--gitlab", "acme/tools/vpn", "--ref", "refs/heads/main",
                      "--issuer", "https://gitlab.example.com", "--channel", "dev", "--lifetime", "1h")
    assert made["issuer"] == "https://gitlab.example.com" and made["lifetime_s"] == 3600
    assert {c["claim"]: c["pattern"] for c in made["conditions"]} == {
        "project_path": "acme/tools/vpn", "ref_path": "refs/heads/main"}
    assert server.cli("workload", "create", "cloud", "--gitlab", "acme/vpn", "--channel", "dev")[
        "issuer"] == "https://gitlab.com"
    changed = server.cli("workload", "update", "tags", "--github", "acme/other", "--name", "other")
    assert changed["conditions"] == [{"claim": "repository", "pattern": "acme/other"}]
    assert changed["permissions"] == server.cli("workload", "show", "other")["permissions"]
    assert [one["name"] for one in server.cli("workload", "list")["items"]] == ["cloud", "lab", "other"]
    for words, text in (
            (("--channel", "dev"), "which jobs?"), (("--github", "a/b"), "what may they do?"),
            (("--github", "a/b", "--gitlab", "a/b", "--channel", "dev"), "exclude each other"),
            (("--issuer", "https://x.test", "--ref", "x", "--channel", "dev"), "belong to --github"),
            (("--github", "a/b", "--condition", "ref", "--channel", "dev"), "CLAIM=PATTERN"),
            (("--github", "a/b", "--channel", "dev", "--lifetime", "soon"), "15m"),
            (("--github", "*/b", "--channel", "dev"), "anybody's at github.com"),
            (("--github", "a/b", "--channel", "dev", "--lifetime", "2h"), "lifetime_s")):
        done = server.cli("workload", "create", "x", *words, check=False)
        assert done.returncode == 2 and text in done.stderr, (words, done)
    assert server.cli("workload", "update", "other", check=False).returncode == 2
    for name in ("cloud", "lab", "other"):
        server.cli("workload", "delete", name)
    assert server.cli("workload", "list")["items"] == []
