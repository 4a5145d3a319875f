"""An IMAP client for the tests: imaplib through the gateway.

imap.py KIND PORT USER PASSWORD MECHANISM [FILE]

KIND is clear, starttls or tls. Logs in by MECHANISM, lists the mailboxes, writes the first message of INBOX to FILE where
one is named, and logs out. Prints what it sees; the exit code is 1 when the login is refused. A MECHANISM that begins with
"again-" has the login refused once first, in the same session.
"""

import imaplib
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
    client = imaplib.IMAP4_SSL("127.0.0.1", int(port), ssl_context=trusting, timeout=60)
else:
    client = imaplib.IMAP4("127.0.0.1", int(port), timeout=60)
if kind == "starttls":
    client.starttls(trusting)
print("capabilities", *client.capabilities)


def log_in(mechanism, password):
    if mechanism == "LOGIN":
        return client.login(user, password)
    if mechanism == "CRAM-MD5":
        return client.login_cram_md5(user, password)
    if mechanism == "PLAIN":
        message = f"\0{user}\0{password}"
    else:
        message = bearer.message(mechanism, user, password)
    return client.authenticate(mechanism, lambda _: message.encode())


try:
    if mechanism.startswith("again-"):
        mechanism = mechanism.removeprefix("again-")
        try:
            log_in(mechanism, "wrong")
            sys.exit("the wrong password was taken")
        except imaplib.IMAP4.error as error:
            print("refused", error)
    print("login", *log_in(mechanism, password))
except imaplib.IMAP4.error as error:
    print("refused", error)
    client.logout()
    sys.exit(1)
print("mailboxes", *client.list()[1])
if file:
    client.select("INBOX", readonly=True)
    with open(file, "wb") as out:
        out.write(client.fetch("1", "(BODY.PEEK[])")[1][0][1])
print("logout", *client.logout())
