"""An OpenID provider that lies on request, and a browser that goes where it is sent. Signs with
openssl; `lie` names what is wrong in the next answers."""
import base64
import hashlib
import hmac
import http.cookies
import http.server
import json
import pathlib
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

from control import encode

CLIENT, SECRET = "app", "a secret/with+odd:characters"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def make_key(directory, name):
    path = pathlib.Path(directory) / f"{name}.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                    "-out", path], check=True, capture_output=True)
    return path


def jwk_of(path, kid):
    modulus = subprocess.run(["openssl", "rsa", "-in", path, "-modulus", "-noout"], check=True,
                             capture_output=True, text=True).stdout.partition("=")[2].strip()
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "e": "AQAB",
            "n": encode(bytes.fromhex(modulus))}


class Provider(http.server.ThreadingHTTPServer):
    """Knows one user at a time: `user` holds the claims."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.directory = tempfile.TemporaryDirectory(prefix="slipway-liar-")
        self.key, self.other = (make_key(self.directory.name, n) for n in ("key", "other"))
        self.jwk = jwk_of(self.key, "k1")
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.user, self.lie = {}, None
        self.codes, self.asked = {}, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()
        self.directory.cleanup()

    def sign(self, claims, header=None, key=None):
        head = {"alg": "RS256", "kid": "k1", **(header or {})}
        head = {k: v for k, v in head.items() if v is not None}
        raw = claims if isinstance(claims, str) else json.dumps(claims)
        text = encode(json.dumps(head).encode()) + "." + encode(raw.encode())
        if head["alg"] == "none":
            return text + "."
        if head["alg"] == "HS256":
            pem = subprocess.run(["openssl", "rsa", "-in", self.key, "-pubout"], check=True,
                                 capture_output=True).stdout
            return text + "." + encode(hmac.digest(pem, text.encode(), "sha256"))
        made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key or self.key], check=True,
                              input=text.encode(), capture_output=True).stdout
        return text + "." + encode(made)

    def id_token(self, nonce, access_token):
        now = int(time.time())
        hashed = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce,
                  "at_hash": encode(hashed), **self.user}
        changes = {
            "iss": {"iss": "https://evil.test"}, "aud": {"aud": "another"},
            "aud and azp": {"aud": [CLIENT, "another"], "azp": "another"},
            "several aud without azp": {"aud": [CLIENT, "another"]},
            "nonce": {"nonce": "x" * 43}, "no nonce": {"nonce": None}, "at_hash": {"at_hash": "AAAA"},
            "expired": {"iat": now - 900, "exp": now - 60}, "future": {"iat": now + 600, "exp": now + 900},
            "no sub": {"sub": None}, "no exp": {"exp": None}}
        claims.update(changes.get(self.lie, {}))
        claims = {k: v for k, v in claims.items() if v is not None}
        if self.lie == "two members":
            text = json.dumps(claims)
            return self.sign(text[:-1] + ', "sub": "somebody-else"}')
        headers = {"none": {"alg": "none"}, "HS256 with the public key": {"alg": "HS256"},
                   "kid": {"kid": "k2"}, "typ": {"typ": "logout+jwt"}, "crit": {"crit": ["exp"]},
                   "RS512": {"alg": "RS512"}}
        if self.lie == "signature":
            return self.sign(claims, key=self.other)
        return self.sign(claims, headers.get(self.lie))

    def logout_token(self, header=None, key=None, **changes):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 120,
                  "jti": str(uuid.uuid4()), "events": {EVENT: {}}, **changes}
        return self.sign({k: v for k, v in claims.items() if v is not None},
                         {"typ": "logout+jwt", **(header or {})}, key)


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, document, **headers):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(body),
                            **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        p, (path, _, query) = self.server, self.path.partition("?")
        p.asked.append(path)
        if path == "/.well-known/openid-configuration":
            url = p.issuer
            self.answer(200, {
                "issuer": url if p.lie != "discovery issuer" else "https://evil.test",
                "authorization_endpoint": url + "/authorize", "token_endpoint": url + "/token",
                "jwks_uri": url + "/keys", "userinfo_endpoint": url + "/userinfo",
                "end_session_endpoint": url + "/logout",
                "authorization_response_iss_parameter_supported": True})
        elif path == "/keys" and p.lie == "huge keys":
            self.answer(200, {"keys": [p.jwk], "padding": "x" * 1000000})
        elif path == "/keys" and p.lie == "keys elsewhere":
            self.answer(302, {}, Location=p.issuer + "/more-keys")
        elif path in ("/keys", "/more-keys"):
            self.answer(200, {"keys": [p.jwk]})
        elif path == "/authorize":
            asked = dict(urllib.parse.parse_qsl(query))
            code = str(uuid.uuid4())
            p.codes[code] = asked
            back = {"code": code, "state": asked["state"], "iss": p.issuer}
            if p.lie == "another iss":
                back["iss"] = "https://evil.test"
            if p.lie == "no iss":
                del back["iss"]
            if p.lie == "denied":
                back = {"error": "access_denied", "state": asked["state"], "iss": p.issuer}
            self.answer(303, {}, Location=asked["redirect_uri"] + "?" + urllib.parse.urlencode(back))
        elif path == "/userinfo":
            token = self.headers["Authorization"].removeprefix("Bearer ")
            user = p.codes[token]["user"]
            self.answer(200, {**user, "sub": "somebody-else"} if p.lie == "userinfo of another" else user)
        elif path == "/user":
            self.answer(200, {"id": 4711, "login": "octo", "email": None, "sub": "ignored"})
        elif path == "/user/emails":
            self.answer(200, [{"email": "old@hub.test", "primary": False, "verified": True},
                              {"email": p.user["email"], "primary": True,
                               "verified": p.user["email_verified"]}])
        else:
            self.answer(404, {})

    def do_POST(self):
        p = self.server
        form = dict(urllib.parse.parse_qsl(
            self.rfile.read(int(self.headers["Content-Length"])).decode()))
        p.asked.append((self.path, form))
        code = p.codes.pop(form.get("code"), None)
        if p.lie == "500":
            return self.answer(500, {"error": "server_error"})
        if p.lie == "redirected token":
            return self.answer(307, {}, Location=p.issuer + "/token")
        if p.lie == "not JSON":
            return self.answer(200, b"<html>")
        if not code or not self.is_authentic(form):
            return self.answer(400, {"error": "invalid_grant"})
        challenge = encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if challenge != code["code_challenge"] or form["redirect_uri"] != code["redirect_uri"]:
            return self.answer(400, {"error": "invalid_grant"})
        access = str(uuid.uuid4())
        p.codes[access] = {"user": dict(p.user)}
        if p.lie == "e-mail only in userinfo" or p.lie == "userinfo of another":
            p.user = {"sub": p.user["sub"]}
        answer = {"access_token": access, "token_type": "Bearer"}
        if "nonce" in code:
            answer["id_token"] = p.id_token(code["nonce"], access)
        if p.lie == "no id_token":
            answer.pop("id_token")
        self.answer(200, answer)

    def is_authentic(self, form):
        """client_secret_basic (with both parts percent-encoded) or client_secret_post."""
        if self.headers["Authorization"]:
            pair = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            return [urllib.parse.unquote(part) for part in pair.split(":")] == [CLIENT, SECRET]
        return form.get("client_id") == CLIENT and form.get("client_secret") == SECRET


class Browser:
    """Keeps cookies of our server, and says what a browser would."""

    def __init__(self, plane):
        self.plane, self.cookies = plane, {}

    def ask(self, method, path, body=None, site="same-origin", headers=None):
        headers = {"Host": "slipway.test", "Sec-Fetch-Site": site, **(headers or {})}
        # SameSite: Strict cookies stay at home when another site sends us here.
        sent = {k: v for k, v in self.cookies.items()
                if site == "same-origin" or k == "__Host-oidc"}
        if sent:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in sent.items())
        if method != "GET":
            headers["Origin"] = "https://slipway.test"
            if hasattr(self, "csrf"):
                headers["X-CSRF-Token"] = self.csrf
        answer = self.plane.request(method, path, body, headers=headers)
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                assert morsel["secure"] and morsel["httponly"] and morsel["path"] == "/", line
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    def begin(self, provider, return_to="/account"):
        answer = self.ask("GET", f"/api/v1/auth/oidc/{provider}/start?return_to="
                          + urllib.parse.quote(return_to))
        assert answer.status == 303, answer
        return answer.headers["Location"]

    def come_back(self, url):
        assert url.startswith("https://slipway.test/"), url
        return self.ask("GET", url.removeprefix("https://slipway.test"), site="cross-site")

    def sign_in(self, provider, return_to="/account"):
        """Gives where the browser ends up."""
        answer = self.come_back(follow(self.begin(provider, return_to)))
        assert answer.status == 303, answer
        return answer.headers["Location"]

    def me(self):
        answer = self.ask("GET", "/api/v1/me")
        if answer.status == 200:
            self.csrf = answer.json.get("csrf_token")
        return answer


def follow(url):
    """What the provider, asked for this URL, sends the browser back with."""
    import http.client
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("GET", parts.path + "?" + parts.query)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 303, (url, answer.status)
    return answer.headers["Location"]
