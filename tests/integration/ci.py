"""A CI provider of our own: an issuer with real keys over HTTP, that also gives jobs their tokens as
GitHub Actions does, and jobs that exchange them. `lie` names what is wrong in the next token."""
import base64
import http.server
import json
import pathlib
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

import liar
from control import encode, raw_signature

P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def curve_jwk(path, kid):
    point = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True,
                           capture_output=True).stdout[-64:]
    return {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": encode(point[:32]),
            "y": encode(point[32:])}


def github_claims(repository="acme/vpn", ref="refs/tags/v1.2.0", **more):
    """What GitHub's tokens say (docs.github.com, "OpenID Connect reference")."""
    owner = repository.split("/")[0]
    return {"sub": f"repo:{repository}:ref:{ref}", "ref": ref, "sha": "f" * 40, "repository": repository,
            "repository_owner": owner, "actor_id": "12", "repository_visibility": "private",
            "repository_id": "74", "repository_owner_id": "65", "run_id": "17289", "run_number": "10",
            "run_attempt": "2", "runner_environment": "github-hosted", "actor": "octocat",
            "workflow": "release", "head_ref": "", "base_ref": "", "event_name": "push",
            "ref_protected": "true", "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
            "workflow_ref": f"{repository}/.github/workflows/release.yml@{ref}",
            "job_workflow_ref": f"{repository}/.github/workflows/release.yml@{ref}", **more}


def gitlab_claims(project="acme/vpn", ref="v1.2.0", **more):
    """What GitLab's tokens say (docs.gitlab.com, "ID token authentication")."""
    return {"sub": f"project_path:{project}:ref_type:tag:ref:{ref}", "namespace_id": "72",
            "namespace_path": project.rpartition("/")[0], "project_id": "20", "project_path": project,
            "user_id": "1", "user_login": "sample-user", "user_email": "s@example.test",
            "pipeline_id": "574", "pipeline_source": "push", "job_id": "302", "ref": ref, "ref_type": "tag",
            "ref_path": f"refs/tags/{ref}", "ref_protected": "true", "sha": "e" * 40,
            "runner_environment": "gitlab-hosted", "groups_direct": ["acme"], **more}


def permissions_of_jobs(everything):
    """Of these permissions those that a workload identity can have."""
    return {p for p in everything if not p.startswith(("self.", "package.read.")) and p != "download.request"}


def trust(plane, issuer, token, name="ci", audience="slipway:tests", **more):
    """A workload identity for acme/vpn."""
    return plane.api("POST", "/admin/workload-identities", {
        "name": name, "issuer": issuer.issuer, "audience": audience,
        "conditions": [{"claim": "repository", "pattern": "acme/vpn"}], **more}, token, 201)


class Issuer(http.server.ThreadingHTTPServer):
    """`job`: the claims of the job that asks for a token; `request_token`: what it asks with."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.directory = tempfile.TemporaryDirectory(prefix="slipway-ci-")
        self.key, self.other = (liar.make_key(self.directory.name, n) for n in ("key", "other"))
        self.curve = pathlib.Path(self.directory.name) / "curve.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                        self.curve], check=True, capture_output=True)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.lie, self.asked, self.down = None, [], False
        self.job, self.request_token = github_claims(), "gh-" + uuid.uuid4().hex
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()
        self.directory.cleanup()

    def token(self, audience, claims=None, header=None, key=None, **changes):
        now = int(time.time())
        said = {"iss": self.issuer, "aud": audience, "jti": str(uuid.uuid4()), "iat": now, "nbf": now - 600,
                "exp": now + 300, **(claims or self.job), **changes}
        said = {k: v for k, v in said.items() if v is not None}
        token = liar.Provider.sign(self, said, {"typ": "JWT", **(header or {})}, key)
        if key != self.curve:
            return token
        text, _, der = token.rpartition(".")
        return text + "." + encode(raw_signature(decode(der)))

    def environment(self):
        """What a job of GitHub Actions with `permissions: id-token: write` finds."""
        return {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": self.job.get("repository", ""),
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.issuer}/actions/token?api-version=2.0",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.request_token}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        p, url = self.server, urllib.parse.urlsplit(self.path)
        p.asked.append(url.path)
        if p.down:
            return self.answer(503, {})
        if url.path == "/.well-known/openid-configuration":  # as short as GitHub's
            return self.answer(200, {
                "issuer": p.issuer, "jwks_uri": p.issuer + "/keys", "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"], "scopes_supported": ["openid"],
                "id_token_signing_alg_values_supported": ["RS256"]})
        if url.path == "/keys":
            return self.answer(200, {"keys": [liar.jwk_of(p.key, "k1"), curve_jwk(p.curve, "k3")]})
        if url.path == "/actions/token":
            if self.headers["Authorization"] != f"Bearer {p.request_token}":
                return self.answer(401, {"message": "Bad credentials"})
            asked = dict(urllib.parse.parse_qsl(url.query))
            audience = asked.get("audience", "https://github.com/acme")
            return self.answer(200, {"count": 1, "value": p.token(audience)})
        return self.answer(404, {})


def exchange(plane, token, status=200, raw=None, **parameters):
    """Asks for an access token. With an error status gives (error, description)."""
    asked = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": JWT, **parameters}
    body = raw or urllib.parse.urlencode({k: v for k, v in asked.items() if v is not None})
    answer = plane.request("POST", "/api/v1/oauth/token", body, headers={"Host": "slipway.test", **FORM})
    assert answer.status == status, answer
    assert answer.headers["Cache-Control"] == "no-store"
    if status == 200:
        return answer.json
    assert set(answer.json) <= {"error", "error_description"}, answer
    return answer.json["error"], answer.json.get("error_description", "")
