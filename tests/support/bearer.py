"""Messages of XOAUTH2 and OAUTHBEARER (RFC 7628) with a token that Dovecot can check by itself."""

import base64
import hashlib
import hmac
import json


def token(user, key):
    """A JSON Web Token (RFC 7519), signed with the key."""
    url = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
    head, body = {"alg": "HS256", "typ": "JWT"}, {"sub": user, "username": user, "exp": 4102444800}
    text = b".".join(url(json.dumps(part).encode()) for part in (head, body))
    return (text + b"." + url(hmac.new(key.encode(), text, hashlib.sha256).digest())).decode()


def message(mechanism, user, key):
    """What a client says."""
    begin = {"XOAUTH2": f"user={user}", "OAUTHBEARER": f"n,a={user},"}[mechanism]
    return f"{begin}\1auth=Bearer {token(user, key)}\1\1"
