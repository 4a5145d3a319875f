"""An IMAP client for the tests: imaplib through the gateway.

imap.py KIND PORT USER PASSWORD MECHANISM [FILE]

KIND is clear, starttls or tls. Logs in with MECHANISM, lists the mailboxes, writes the first message of INBOX to FILE if
given, and logs out. Prints each result; the exit code is 1 when the login is refused. With the prefix "again-" it first
tries a wrong password in the same session.
"""

import imaplib
import sys

sys.dont_write_bytecode = True
import login

kind, port, user, password, mechanism, file = login.arguments()
tls = login.unverified()

if kind == "tls":
    client = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=tls, timeout=60)
else:
    client = imaplib.IMAP4("127.0.0.1", port, timeout=60)
if kind == "starttls":
    client.starttls(tls)
print("capabilities", *client.capabilities)


def log_in(mechanism, password):
    if mechanism == "LOGIN":
        return client.login(user, password)
    if mechanism == "CRAM-MD5":
        return client.login_cram_md5(user, password)
    if mechanism == "PLAIN":
        message = f"\0{user}\0{password}"
    else:
        message = login.message(mechanism, user, password)
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
