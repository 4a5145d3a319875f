"""What the test clients share: their arguments, a TLS context, and messages of XOAUTH2 and OAUTHBEARER (RFC 7628)."""

import base64
import hashlib
import hmac
import json
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
