"""What the test clients share: their arguments, a TLS context, messages of XOAUTH2 and OAUTHBEARER (RFC 7628), and SCRAM (RFC 5802)."""

import base64
import hashlib
import hmac
import json
import secrets
import ssl
import sys


def arguments():
    """KIND PORT USER PASSWORD MECHANISM [FILE], the port as a number; without FILE the last one is None."""
    kind, port, user, password, mechanism = sys.argv[1:6]
    return kind, int(port), user, password, mechanism, sys.argv[6] if len(sys.argv) > 6 else None


def unverified():
    """A TLS context that accepts any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def token(user, key):
    """A JSON Web Token (RFC 7519), signed with the key, which Dovecot can check by itself."""
    url = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
    head, body = {"alg": "HS256", "typ": "JWT"}, {"sub": user, "username": user, "exp": 4102444800}
    text = b".".join(url(json.dumps(part).encode()) for part in (head, body))
    return (text + b"." + url(hmac.new(key.encode(), text, hashlib.sha256).digest())).decode()


def message(mechanism, user, key):
    """The client's message."""
    begin = {"XOAUTH2": f"user={user}", "OAUTHBEARER": f"n,a={user},"}[mechanism]
    return f"{begin}\1auth=Bearer {token(user, key)}\1\1"


class Scram:
    """The client's side of SCRAM-SHA-1 or SCRAM-SHA-256."""

    def __init__(self, mechanism, user, password):
        self.hash = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}[mechanism]
        self.password = password.encode()
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={secrets.token_hex(12)}"

    def first(self):
        return "n,," + self.bare

    def final(self, message):
        """Answers the server's first message."""
        given = dict(part.split("=", 1) for part in message.split(","))
        assert given["r"].startswith(self.bare.split(",r=")[1]), message
        salted = hashlib.pbkdf2_hmac(self.hash, self.password, base64.b64decode(given["s"]), int(given["i"]))
        unproven = f"c=biws,r={given['r']}"
        text = ",".join((self.bare, message, unproven)).encode()
        sign = lambda key, data: hmac.new(key, data, self.hash).digest()
        key = sign(salted, b"Client Key")
        proof = bytes(a ^ b for a, b in zip(key, sign(hashlib.new(self.hash, key).digest(), text)))
        self.signature = base64.b64encode(sign(sign(salted, b"Server Key"), text)).decode()
        return f"{unproven},p={base64.b64encode(proof).decode()}"

    def verify(self, message):
        """Checks that the server knows the password too."""
        assert message == "v=" + self.signature, message
