# Python's poplib as a client: pop3.py KIND PORT USER PASSWORD [FILE]
# KIND is clear, stls or tls, and "+apop" behind it logs in by APOP. Prints the number of messages; with FILE, the first
# message is written there and deleted.
import poplib
import ssl
import sys

kind, port, user, password = sys.argv[1:5]
kind, _, apop = kind.partition("+")
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
if kind == "tls":
    pop = poplib.POP3_SSL("127.0.0.1", int(port), context=context, timeout=60)
else:
    pop = poplib.POP3("127.0.0.1", int(port), timeout=60)
if kind == "stls":
    assert "STLS" in pop.capa(), pop.capa()
    pop.stls(context)
    assert "STLS" not in pop.capa(), pop.capa()
if apop:
    pop.apop(user, password)
else:
    pop.user(user)
    pop.pass_(password)
sizes = pop.list()[1]
print(len(sizes))
if len(sys.argv) > 5:
    _, lines, octets = pop.retr(1)
    with open(sys.argv[5], "wb") as file:
        file.writelines(line + b"\r\n" for line in lines)
    assert sizes[0].split()[1] == str(octets).encode(), (sizes, octets)
    pop.dele(1)
pop.quit()
