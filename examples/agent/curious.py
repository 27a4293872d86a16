# What untrusted code may try: to read the host's files, to reach the network, to print for ever.
import os, socket
for path in ("/etc/shadow", "/root/.ssh/id_rsa", "/home"):
    print(path, "is there" if os.path.exists(path) else "is not there")
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
    print("network")
except OSError as error:
    print("no network:", error.strerror)
