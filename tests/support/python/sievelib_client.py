"""A ManageSieve client for the tests: sievelib.

sievelib_client.py KIND PORT USER PASSWORD MECHANISM FILE

KIND is clear or starttls. Uploads FILE, activates and fetches it, prints the scripts, and deletes it. The exit code is 1 when the
login is refused. Runs with Debian's Python, which has sievelib.
"""

import sys

sys.dont_write_bytecode = True
import login
from sievelib.managesieve import Client

kind, port, user, password, mechanism, file = login.arguments()
client = Client("127.0.0.1", port)
if not client.connect(user, password, starttls=kind == "starttls", authmech=mechanism):
    sys.exit(str(client.errmsg))
with open(file, newline="") as opened:
    script = opened.read()
assert client.havespace("a script", len(script))
assert client.putscript("a script", script), client.errmsg
assert client.setactive("a script"), client.errmsg
print(client.listscripts())
fetched = client.getscript("a script")
assert fetched.splitlines() == script.splitlines(), fetched
assert client.setactive(""), client.errmsg
assert client.deletescript("a script"), client.errmsg
client.logout()
