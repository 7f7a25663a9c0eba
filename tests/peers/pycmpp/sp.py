"""An SP of another hand: logs in, submits the texts it is given, and stays until it is ended (PyPI pycmpp, GPL-3)."""

import sys
import threading
import time

from pycmpp.cmpp import Cmpp

port, *texts = sys.argv[1:]
sp = Cmpp("127.0.0.1", int(port), "900001", "888888", "12345", client_heartbeat=False)
sp.connect()
sp.auth()
threading.Thread(target=sp.receive, daemon=True).start()
for text in texts:
    sp.submit(text, ["13800138000"])
time.sleep(60)
