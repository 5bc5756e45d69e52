"""What Fineray says to other computers, seen by Python's own audit hooks (PEP 578), in children too.

Seen: whatever Python code does through `socket`, in the process that watches, in every process forked from it, and in
those that multiprocessing starts from them anew (spawn, forkserver), as far as they are of its own classes. Not seen:
libraries in C that open sockets of their own, other programs, and Python started as another program. What none of ours
does is held by a test that runs the whole way of work under strace (tests/robustness/test_network.py).
"""

from __future__ import annotations

import contextlib
import ipaddress
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any

ADDRESSED = {
    "socket.connect": "connected to",
    "socket.sendto": "sent to",
    "socket.sendmsg": "sent to",
    "socket.bind": "listened at",
}
# To ask for a name is to speak to a name server.
ASKED = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")
LONGEST = 300  # bytes of a line: what is written at once by several processes does not mix, up to 512 everywhere


def watch_network(tell: Callable[[str], None]) -> None:
    """From now on, for the life of this process, call `tell` with each address outside this computer that is connected
    to, sent to, or listened at, and each name that is looked up: `connected to 10.0.0.5:104`, `looked up archive`.

    It is called in the thread that does so, or for children in a thread of its own. Once a process; children report
    to the one that watched first.
    """
    heard, told = multiprocessing.Pipe(duplex=False)
    threading.Thread(target=_pass_on, args=(heard, tell), daemon=True, name="network use").start()
    own = os.getpid()
    _watch(told, lambda what: tell(what) if os.getpid() == own else _report(told, what))


def _pass_on(heard: Connection, tell: Callable[[str], None]) -> None:
    with contextlib.suppress(EOFError, OSError):  # this process ends
        while True:
            tell(heard.recv_bytes().decode())


def _report(told: Connection, what: str) -> None:
    with contextlib.suppress(OSError):  # nobody is left to be told
        told.send_bytes(what.encode()[:LONGEST])


def _watch(told: Connection, tell: Callable[[str], None]) -> None:
    def seen(event: str, words: tuple[Any, ...]) -> None:
        if event.startswith("socket."):
            what = _in_words(event, words)
            if what:
                tell(what)

    def reduced(process: BaseProcess) -> tuple[Callable[..., BaseProcess], tuple[object, ...]]:
        return _watched, (told, type(process), process.__dict__)

    sys.addaudithook(seen)
    # A process that starts anew is handed over as an object: with it goes the watch, before anything of it runs.
    ways: list[Any] = [multiprocessing, *map(multiprocessing.get_context, multiprocessing.get_all_start_methods())]
    for way in ways:
        ForkingPickler.register(way.Process, reduced)


def _watched(told: Connection, kind: type[BaseProcess], state: dict[str, object]) -> BaseProcess:
    """In a child: the process object that was handed over, with the watch on."""
    _watch(told, lambda what: _report(told, what))
    process = kind.__new__(kind)
    process.__dict__.update(state)
    return process


def _in_words(event: str, words: tuple[Any, ...]) -> str:
    """What is worth telling of an event; empty where it stays on this computer."""
    if event in ADDRESSED and len(words) > 1 and isinstance(words[1], tuple) and len(words[1]) > 1:
        host, port = _text(words[1][0]), words[1][1]
        outgoing = event == "socket.bind" and port == 0  # any free port: the near end of a connection
        if not outgoing and not _of_this_computer(host):
            return f"{ADDRESSED[event]} {host or 'every address of this computer'}:{port}"
    elif event in ASKED and words:
        host = _text(words[0][0] if isinstance(words[0], tuple) else words[0])
        forwards = event in ("socket.getaddrinfo", "socket.gethostbyname")
        if host and not _of_this_computer(host) and not (forwards and _is_address(host)):
            return f"looked up {host}"
    return ""


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else "" if host is None else str(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _of_this_computer(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:  # a name, or nothing, which stands for all addresses
        return host == "localhost"
