"""A ManageSieve client for the tests, over sockets.

sieve.py KIND PORT USER PASSWORD MECHANISM [FILE]

KIND is clear, starttls or tls; MECHANISM is PLAIN, LOGIN, CRAM-MD5, XOAUTH2, OAUTHBEARER, SCRAM-SHA-1 or SCRAM-SHA-256. With
"again-" before it a wrong password comes first; with "literal-" the client sends literals instead of quoted strings, and no initial
response. Prints the capabilities before and after STARTTLS, and after the login. If FILE is given, it is uploaded, listed, activated,
fetched and deleted, and the lists of scripts are printed. The exit code is 1 when the login is refused.
"""

import base64
import hashlib
import hmac
import re
import socket
import sys

sys.dont_write_bytecode = True
import login

kind, port, user, password, mechanism, file = login.arguments()


class Client:
    def __init__(self, stream):
        self.use(stream)

    def use(self, stream):
        self.stream = stream
        self.reader = stream.makefile("rb")

    def line(self):
        """Reads a line with its literals."""
        line = b""
        while True:
            part = self.reader.readline()
            assert part.endswith(b"\r\n"), (line, part)
            line += part
            literal = re.search(rb"\{(\d+)\}\r\n$", part)
            if not literal:
                return line
            line += self.reader.read(int(literal[1]))

    def response(self):
        """Reads up to OK, NO or BYE: the lines before, and that one."""
        lines = []
        while True:
            line = self.line()
            if line[:1] not in b'"{':
                return lines, line
            lines.append(line)

    def send(self, *parts):
        self.stream.sendall(b" ".join(parts) + b"\r\n")

    def ask(self, *parts):
        self.send(*parts)
        lines, last = self.response()
        if not last.startswith(b"OK"):
            sys.exit(last.decode().strip())
        return lines


def string(data):
    """A string as clients send it."""
    if literals:
        return b"{%d+}\r\n" % len(data) + data
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def content(line):
    """The first string of a line."""
    if line.startswith(b"{"):
        length, rest = line[1:].split(b"}\r\n", 1)
        return rest[: int(length)]
    return re.match(rb'"((?:[^"\\]|\\.)*)"', line)[1]


def show(title, lines):
    print(title, [line.decode().strip() for line in lines], flush=True)


def authenticate(password):
    """Runs the exchange; returns the last response."""
    scram = mechanism.startswith("SCRAM") and login.Scram(mechanism, user, password)

    def answers():
        """The client's messages; each one after the first is made from the challenge before it."""
        if mechanism == "PLAIN":
            yield f"\0{user}\0{password}"
        elif mechanism == "LOGIN":
            yield None
            yield user
            yield password
        elif mechanism == "CRAM-MD5":
            challenge = yield None
            yield user + " " + hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()
        elif scram:
            challenge = yield scram.first()
            signature = yield scram.final(challenge.decode())
            scram.verify(signature.decode())
            yield ""
        else:
            yield login.message(mechanism, user, password)
            yield ""

    encode = lambda message: string(base64.b64encode(message.encode()))
    messages = answers()
    first = next(messages)
    command = [b"AUTHENTICATE", string(mechanism.encode())]
    if first is not None and not literals:
        command.append(encode(first))
        first = None
    client.send(*command)
    while True:
        line = client.line()
        if line[:1] not in b'"{':
            break
        message = first
        if message is None:
            message = messages.send(base64.b64decode(content(line)))
        first = None
        client.send(encode(message))
    # The server's last message may come with OK (RFC 5804, section 1.3).
    last = re.match(rb"OK \(SASL (.*)\)", line, re.DOTALL)
    if last and scram:
        scram.verify(base64.b64decode(content(last[1])).decode())
    return line


again, literals = mechanism.startswith("again-"), mechanism.startswith("literal-")
mechanism = mechanism.removeprefix("again-").removeprefix("literal-")

stream = socket.create_connection(("127.0.0.1", port), timeout=60)
if kind == "tls":
    stream = login.unverified().wrap_socket(stream)
client = Client(stream)
lines, last = client.response()
show("greeting", lines)
assert last.startswith(b"OK"), last
if kind == "starttls":
    assert b'"STARTTLS"\r\n' in lines, lines
    client.ask(b"STARTTLS")
    client.use(login.unverified().wrap_socket(client.stream))
    lines, last = client.response()
    show("secured", lines)
    assert last.startswith(b"OK"), last
assert b'"STARTTLS"\r\n' not in lines or kind == "clear", lines
assert lines == client.ask(b"CAPABILITY")
if again:
    print("first", authenticate("wrong").decode().strip())
last = authenticate(password)
if not last.startswith(b"OK"):
    sys.exit(last.decode().strip())
show("inside", client.ask(b"CAPABILITY"))
if file:
    script = open(file, "rb").read()
    client.ask(b"HAVESPACE", b'"a script"', b"%d" % len(script))
    client.ask(b"PUTSCRIPT", b'"a script"', b"{%d+}\r\n" % len(script) + script)
    client.ask(b"SETACTIVE", b'"a script"')
    show("scripts", client.ask(b"LISTSCRIPTS"))
    [line] = client.ask(b"GETSCRIPT", b'"a script"')
    assert content(line) == script, len(line)
    client.ask(b"SETACTIVE", b'""')
    client.ask(b"DELETESCRIPT", b'"a script"')
    show("scripts", client.ask(b"LISTSCRIPTS"))
client.ask(b"LOGOUT")
assert client.reader.read() == b""
