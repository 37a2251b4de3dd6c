"""A software authenticator and the browser around it (WebAuthn Level 2), which can lie about everything
it says. CBOR by hand: what a test sends must not depend on what a library finds proper."""
import base64
import hashlib
import json
import os
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

ORIGIN, RP_ID = "https://vpn.example.com", "vpn.example.com"
ES256, EDDSA, RS256, ES384 = -7, -8, -257, -35
UP, UV, AT, ED = 0x01, 0x04, 0x40, 0x80


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def head(major, n):
    for extra, size, form in ((None, 24, None), (24, 1 << 8, ">B"), (25, 1 << 16, ">H"),
                              (26, 1 << 32, ">I"), (27, 1 << 64, ">Q")):
        if n < size:
            if form is None:
                return bytes([major << 5 | n])
            return bytes([major << 5 | extra]) + struct.pack(form, n)


def cbor(value):
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    raise TypeError(value)


class Key:
    def __init__(self, alg):
        self.alg = alg
        if alg in (ES256, ES384):
            self.private = ec.generate_private_key(ec.SECP256R1() if alg == ES256 else ec.SECP384R1())
        elif alg == EDDSA:
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(65537, 2048)

    def cose(self):
        public = self.private.public_key()
        if self.alg == EDDSA:
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            return {1: 1, 3: EDDSA, -1: 6, -2: raw}
        n = public.public_numbers()
        if self.alg == RS256:
            return {1: 3, 3: RS256, -1: n.n.to_bytes(256, "big"), -2: n.e.to_bytes(3, "big")}
        size, curve = (32, 1) if self.alg == ES256 else (48, 2)
        return {1: 2, 3: self.alg, -1: curve, -2: n.x.to_bytes(size, "big"),
                -3: n.y.to_bytes(size, "big")}

    def sign(self, data):
        if self.alg == EDDSA:
            return self.private.sign(data)
        if self.alg == RS256:
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(data, ec.ECDSA(hashes.SHA256() if self.alg == ES256
                                                else hashes.SHA384()))


class Passkey:
    def __init__(self, alg=ES256, credential_id=None, counter=0):
        self.key, self.counter, self.user = Key(alg), counter, None
        self.id = credential_id or os.urandom(32)

    def client_data(self, kind, challenge, lies):
        data = {"type": lies.get("type", kind), "challenge": lies.get("challenge", challenge),
                "origin": lies.get("origin", ORIGIN), "crossOrigin": lies.get("cross_origin", False)}
        return lies.get("client_data", json.dumps(data).encode())

    def auth_data(self, flags, rest, lies):
        flags = lies.get("flags", flags)
        return hashlib.sha256(lies.get("rp_id", RP_ID).encode()).digest() + bytes([flags]) + \
            struct.pack(">I", lies.get("counter", self.counter)) + rest

    def credential(self, response, lies):
        name = b64(lies.get("id", self.id))
        return {"id": name, "rawId": name, "type": "public-key",
                "authenticatorAttachment": "platform", "clientExtensionResults": {},
                "response": {k: b64(v) if isinstance(v, bytes) else v for k, v in response.items()}}

    def create(self, options, **lies):
        """RegistrationResponseJSON."""
        self.user = unb64(options["user"]["id"])
        client = self.client_data("webauthn.create", options["challenge"], lies)
        cose = lies.get("cose", cbor(self.key.cose()))
        rest = bytes(16) + struct.pack(">H", lies.get("id_length", len(self.id))) + self.id + cose
        data = self.auth_data(UP | UV | AT, lies.get("rest", rest), lies) + lies.get("tail", b"")
        attestation = lies.get("attestation", cbor({"fmt": lies.get("fmt", "none"),
                                                    "attStmt": lies.get("statement", {}),
                                                    "authData": data}))
        return self.credential({"clientDataJSON": client, "attestationObject": attestation,
                                "transports": ["internal"], "publicKeyAlgorithm": self.key.alg},
                               lies)

    def get(self, options, **lies):
        """AuthenticationResponseJSON."""
        client = self.client_data("webauthn.get", options["challenge"], lies)
        data = self.auth_data(UP | UV, b"", lies) + lies.get("tail", b"")
        key = lies.get("key", self.key)
        signature = lies.get("signature", key.sign(data + hashlib.sha256(client).digest()))
        return self.credential({"clientDataJSON": client, "authenticatorData": data,
                                "signature": signature, "userHandle": lies.get("user", self.user)},
                               lies)
