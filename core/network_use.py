"""What a process says to other computers, seen by Python's own audit hooks (PEP 578).

Libraries written in C could go past them; a test runs the whole way of work on a computer without a network.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable
from typing import Any

EVENTS = {"socket.connect": "connected to", "socket.sendto": "sent to", "socket.bind": "listened at"}


def watch_network(tell: Callable[[str], None]) -> None:
    """From now on, for the life of this process, call `tell` with each address outside this computer that is connected
    to, sent to, or listened at: `connected to 10.0.0.5:104`. It is called in the thread that does so."""

    def seen(event: str, words: tuple[Any, ...]) -> None:
        if event in EVENTS and len(words) > 1 and isinstance(words[1], tuple) and len(words[1]) > 1:
            host, port = str(words[1][0]), words[1][1]
            outgoing = event == "socket.bind" and port == 0  # any free port: the near end of a connection
            if not outgoing and not _of_this_computer(host):
                tell(f"{EVENTS[event]} {host or 'every address of this computer'}:{port}")

    sys.addaudithook(seen)


def _of_this_computer(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:  # a name, or nothing, which stands for all addresses
        return host == "localhost"
