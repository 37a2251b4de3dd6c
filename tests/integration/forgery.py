"""Tokens that were never issued: every kind of ours under every key of ours, the tricks that JOSE libraries
have fallen for, and credentials that are almost what they should be. Signed with the server's own keys, so
that what is refused is refused for what it says."""
import base64
import hmac
import json
import string

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

TYPES = {"access": "at+jwt", "device": "slipway-device+jwt", "download": "slipway-dl+jwt"}
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Forger:
    """Holds the keys of a data directory, as their thief would."""

    def __init__(self, data):
        self.keys = {}
        for kind in TYPES:
            path = next((data / "keys").glob(f"{kind}-*.pem"))
            private = serialization.load_pem_private_key(path.read_bytes(), None)
            self.keys[kind] = path.stem.split("-", 1)[1], private

    def sign(self, kind, head, claims, raw=False):
        """head, claims: objects, or JSON text as it is. raw: a DER signature."""
        text = ".".join(b64((p if isinstance(p, str) else json.dumps(p, separators=(",", ":"))).encode())
                        for p in (head, claims))
        der = self.keys[kind][1].sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(der)
        return f"{text}.{b64(der if raw else r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def head(self, kind, **more):
        head = {"alg": "ES256", "typ": TYPES[kind], "kid": self.keys[kind][0], **more}
        return {k: v for k, v in head.items() if v is not None}

    def good(self, kind, claims):
        """So that the forgeries below prove something."""
        return self.sign(kind, self.head(kind), claims)

    def crossed(self, claims):
        """Each key × each typ × the claims of each kind, but the three that are right."""
        types = [*TYPES.values(), "JWT", "logout+jwt", "application/at+jwt", "AT+JWT", None]
        for key in TYPES:
            for typ in types:
                for kind, said in claims.items():
                    # Claims that a kind does not know are ignored, and access tokens have all of a device's.
                    if typ == TYPES[key] and (kind == key or (kind, key) == ("access", "device")):
                        continue
                    yield f"{kind} claims as {typ} under the {key} key", self.sign(
                        key, self.head(key, typ=typ), said)

    def tricks(self, kind, claims):
        """What a token of this kind becomes in the hands of somebody who has read about JOSE."""
        kid, private = self.keys[kind]
        public = private.public_key()
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        pem = public.public_bytes(serialization.Encoding.PEM, spki)
        der = public.public_bytes(serialization.Encoding.DER, spki)
        numbers = public.public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big")),
               "y": b64(numbers.y.to_bytes(32, "big"))}
        good = self.good(kind, claims)
        head, body, signature = good.split(".")

        def hs256(secret, **more):
            text = b64(json.dumps(self.head(kind, alg="HS256", **more)).encode()) + "." + body
            return f"{text}.{b64(hmac.digest(secret, text.encode(), 'sha256'))}"

        for alg in ("none", "nOnE", "NONE", "None", ""):
            for end in ("", signature):
                yield f"alg {alg!r} {'with a signature' if end else ''}", \
                    b64(json.dumps(self.head(kind, alg=alg)).encode()) + f".{body}.{end}"
        yield "no signature", f"{head}.{body}."
        yield "HS256 with the public key as PEM", hs256(pem)
        yield "HS256 with the public key as DER", hs256(der)
        yield "HS256 with the public key as JWK", hs256(json.dumps(jwk).encode())
        yield "HS256 with the kid", hs256(kid.encode())
        yield "HS256 with nothing, by a kid that is an empty file", hs256(b"", kid="../../../dev/null")
        for alg in ("RS256", "PS256", "ES384", "ES256K", "EdDSA", "es256", "ES256 ", ["ES256"], None, 256):
            yield f"alg {alg!r}", self.sign(kind, self.head(kind, alg=alg), claims)
        for wrong in ("", "../" + kid, "/dev/null", kid + "\0", kid.upper(), kid + " ", "' OR '1'='1", "x" * 500,
                      [kid], {"kid": kid}, 0, None, "https://evil.example/key"):
            yield f"kid {str(wrong)[:24]!r}", self.sign(kind, self.head(kind, kid=wrong), claims)
        for other in TYPES.keys() - {kind}:
            yield f"kid of the {other} key", self.sign(kind, self.head(kind, kid=self.keys[other][0]), claims)
        for name, value in (("jwk", jwk), ("jku", "https://evil.example/jwks"), ("x5u", "https://evil.example"),
                            ("x5c", ["AAAA"]), ("crit", ["exp"]), ("b64", False), ("zip", "DEF"),
                            ("cty", "JWT"), ("nonce", "x"), ("epk", jwk), ("enc", "A128GCM")):
            yield f"with {name}", self.sign(kind, self.head(kind, **{name: value}), claims)
        yield "b64 false, and critical", self.sign(kind, self.head(kind, b64=False, crit=["b64"]), claims)
        yield from self.shapes(kind, claims, good)

    def shapes(self, kind, claims, good):
        """The same in other clothes."""
        head, body, signature = good.split(".")
        said, top = json.dumps(claims), json.dumps(self.head(kind))
        yield "five parts, as encrypted", f"{head}.{b64(b'k' * 32)}.{b64(b'i' * 12)}.{body}.{b64(b't' * 16)}"
        yield "five parts", f"{good}..{signature}"
        yield "four parts", good + "."
        yield "two parts", f"{head}.{body}"
        yield "JSON serialisation", json.dumps({"protected": head, "payload": body, "signature": signature})
        yield "general serialisation", json.dumps({"payload": body, "signatures": [
            {"protected": head, "signature": signature}]})
        yield "detached payload", f"{head}..{signature}"
        yield "DER signature", self.sign(kind, self.head(kind), claims, raw=True)
        yield "half a signature", f"{head}.{body}.{signature[:43]}"
        yield "zeros as signature", f"{head}.{body}.{b64(bytes(64))}"
        yield "order as signature", f"{head}.{body}." + b64(bytes.fromhex(
            "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") * 2)
        for i, part in enumerate((head, body, signature)):
            parts = [head, body, signature]
            for what, changed in (("trailing bits", trailing(part)), ("padding", part + "="),
                                  ("a line break", part[:9] + "\n" + part[9:]),
                                  ("another alphabet", part.replace("-", "+").replace("_", "/") + "+"),
                                  ("one bit", flip(part)), ("an escape", part[:-1] + f"%{ord(part[-1]):02x}")):
                if changed != part:
                    yield f"{what} in part {i + 1}", ".".join([*parts[:i], changed, *parts[i + 1:]])
        for name in ("alg", "kid", "typ"):
            yield f"{name} twice", self.sign(kind, top[:-1] + f',"{name}":"x"}}', said)
            yield f"{name} twice, the good one last", self.sign(
                kind, f'{{"{name}":"none",' + top[1:], said)
        for name in ("sub", "exp", "aud", "jti"):
            yield f"{name} twice", self.sign(kind, top, said[:-1] + f',"{name}":"x"}}')
        for name, value in (("exp", None), ("exp", 1), ("exp", str(claims["exp"])), ("exp", 1e300),
                            ("exp", -1), ("nbf", claims["exp"] + 9999), ("iat", claims["exp"] + 9999),
                            ("iss", None), ("iss", "https://evil.example"), ("aud", None),
                            ("aud", [claims["aud"]]), ("aud", claims["aud"] + "/"), ("sub", None), ("sub", ""),
                            ("sub", {"$ne": 1}), ("jti", None), ("jti", [1])):
            changed = {k: v for k, v in {**claims, name: value}.items() if v is not None}
            yield f"{name} {str(value)[:20]}", self.sign(kind, self.head(kind), changed)
        yield "claims that are no object", self.sign(kind, top, "[1]")
        yield "claims with something behind", self.sign(kind, top, said + " {}")
        yield "claims in UTF-16", self.sign(kind, top, said.encode("utf-16-le").decode("latin-1"))


def trailing(part):
    """Another text of the same bytes, for a reader that ignores bits it does not need."""
    unused = {2: 4, 3: 2}.get(len(part) % 4)
    return part[:-1] + ALPHABET[ALPHABET.index(part[-1]) ^ 1] if unused else part


def flip(text):
    at = len(text) // 2
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]


def altered(text):
    """Almost this credential."""
    yield "one character more", text + "A"
    yield "one character less", text[:-1]
    yield "one character changed", flip(text)
    last = text[-1]
    if last in ALPHABET:
        yield "its last bit", text[:-1] + ALPHABET[ALPHABET.index(last) ^ 1]
