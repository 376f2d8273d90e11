"""Shows a process of kurigram's client the way to the loopback Telegram, before the program starts; Python imports
this file by itself where it is on PYTHONPATH. Two facts of the client change, no behaviour: the public key of the
server (MT_KEY, "fingerprint:modulus:exponent") and the addresses of the data centres (MT_ADDR, "2=host:port,...").
The clock of the machine can be set (MT_CLOCK, a file with the seconds to add).
"""

import os
import time
from pathlib import Path
from typing import Any


def install(key: str, addresses: str) -> None:
    """Set the two facts in this process."""
    from pyrogram.connection import Connection
    from pyrogram.crypto import rsa

    fingerprint, modulus, exponent = key.split(":")
    rsa.server_public_keys[int(fingerprint)] = rsa.PublicKey(int(modulus, 16), int(exponent, 16))
    places = {}
    for place in addresses.split(","):
        centre, _, address = place.partition("=")
        host, _, port = address.partition(":")
        places[int(centre)] = (host, int(port))
    connect = Connection.__init__

    def to_loopback(self: Connection, dc_id: int, server_address: str, port: int, *rest: Any, **more: Any) -> None:
        connect(self, dc_id, *places[dc_id], *rest, **more)

    Connection.__init__ = to_loopback  # the first address is fixed in the client


def set_clock(file: Path) -> None:
    """Let time.time() be ahead, or behind, by what the file says."""
    real = time.time
    time.time = lambda: real() + float(file.read_text())


if "MT_CLOCK" in os.environ:
    set_clock(Path(os.environ["MT_CLOCK"]))
if "MT_KEY" in os.environ:
    install(os.environ["MT_KEY"], os.environ["MT_ADDR"])
