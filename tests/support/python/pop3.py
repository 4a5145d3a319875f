"""A POP3 client for the tests: poplib through the gateway.

pop3.py KIND PORT USER PASSWORD MECHANISM [FILE]

KIND is clear, starttls or tls; MECHANISM is USER, APOP, XOAUTH2, OAUTHBEARER, SCRAM-SHA-1 or
SCRAM-SHA-256. Prints the number of messages. If FILE is given,
the first message is written to it and deleted on the server. The exit code is 1 when the login is refused.
"""

import base64
import poplib
import sys

sys.dont_write_bytecode = True
import login

kind, port, user, password, mechanism, file = login.arguments()
tls = login.unverified()

if kind == "tls":
    client = poplib.POP3_SSL("127.0.0.1", port, context=tls, timeout=60)
else:
    client = poplib.POP3("127.0.0.1", port, timeout=60)
if kind == "starttls":
    assert "STLS" in client.capa(), client.capa()
    client.stls(tls)
    assert "STLS" not in client.capa(), client.capa()
try:
    if mechanism == "APOP":
        client.apop(user, password)
    elif mechanism == "USER":
        client.user(user)
        client.pass_(password)
    elif mechanism.startswith("SCRAM"):
        exchange = login.Scram(mechanism, user, password)
        text = lambda message: base64.b64encode(message.encode()).decode()
        challenge = client._shortcmd("AUTH " + mechanism + " " + text(exchange.first()))
        challenge = client._shortcmd(text(exchange.final(base64.b64decode(challenge[2:]).decode())))
        exchange.verify(base64.b64decode(challenge[2:]).decode())
        client._shortcmd("")
        print("verified")
    else:
        message = base64.b64encode(login.message(mechanism, user, password).encode()).decode()
        # poplib has no method for AUTH.
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
