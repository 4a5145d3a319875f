"""A POP3 client for the tests: poplib through the gateway.

pop3.py KIND PORT USER PASSWORD MECHANISM [FILE]

KIND is clear, stls or tls; MECHANISM is USER, APOP, XOAUTH2 or OAUTHBEARER. Prints the number of messages; the first one is
written to FILE and deleted, where one is named. The exit code is 1 when the login is refused.
"""

import base64
import poplib
import ssl
import sys

sys.dont_write_bytecode = True
import bearer

kind, port, user, password, mechanism = sys.argv[1:6]
file = sys.argv[6] if len(sys.argv) > 6 else None

trusting = ssl.create_default_context()
trusting.check_hostname = False
trusting.verify_mode = ssl.CERT_NONE
if kind == "tls":
    client = poplib.POP3_SSL("127.0.0.1", int(port), context=trusting, timeout=60)
else:
    client = poplib.POP3("127.0.0.1", int(port), timeout=60)
if kind == "stls":
    assert "STLS" in client.capa(), client.capa()
    client.stls(trusting)
    assert "STLS" not in client.capa(), client.capa()
try:
    if mechanism == "APOP":
        client.apop(user, password)
    elif mechanism == "USER":
        client.user(user)
        client.pass_(password)
    else:
        message = base64.b64encode(bearer.message(mechanism, user, password).encode()).decode()
        # poplib knows no AUTH.
        client._shortcmd("AUTH " + mechanism)
        client._shortcmd(message)
except poplib.error_proto as refusal:
    sys.exit(str(refusal))
sizes = client.list()[1]
print(len(sizes))
if file:
    _, lines, octets = client.retr(1)
    with open(file, "wb") as message:
        message.writelines(line + b"\r\n" for line in lines)
    assert sizes[0].split()[1] == str(octets).encode(), (sizes, octets)
    client.dele(1)
client.quit()
