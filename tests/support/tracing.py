"""What processes and all their children do on the network and which files they make, as strace sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

CALLS = "%network,openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat"
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. \w+ resumed>(.*)|(\w+\(.*))$")
_HOST = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"')
_HANDLE = re.compile(r"= \d+<(/[^>]*)>")
_NAMES = re.compile(r'(?:AT_FDCWD|\d+)<([^>]*)>, "([^"]*)"|"([^"]*)"')
SPEAKING = ("connect", "bind", "sendto", "sendmsg", "sendmmsg")


def alone() -> list[str]:
    """What a command is started with to have no network but its own; empty where the system does not allow that."""
    for way in (["unshare", "-n"], ["unshare", "-rn"]):
        if shutil.which("unshare") and subprocess.run([*way, "true"], capture_output=True).returncode == 0:
            return way
    return []


def trace(command: Sequence[str], log: Path, environment: dict[str, str], folder: Path) -> None:
    """Run a command in that folder without a network, and add what it does to `log`. Fails where the command does."""
    watch = ["strace", "-f", "--seccomp-bpf", "-y", "-s", "200", "-A", "-e", f"trace={CALLS}", "-o", str(log)]
    done = subprocess.run(
        [*alone(), *watch, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command[-6:], done.stdout[-2000:], done.stderr[-2000:])


def calls(log: Path) -> Iterator[str]:
    """Each call with its result, as strace writes it, halves put together."""
    begun: dict[str, str] = {}
    with log.open(errors="replace") as lines:
        for line in lines:
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                continue
            thread, rest, call = found.groups()
            if call is None:
                yield begun.pop(thread, "") + rest
            elif call.endswith("<unfinished ...>"):
                begun[thread] = call.removesuffix("<unfinished ...>").rstrip()
            else:
                yield call
    yield from begun.values()  # the process ended within


def spoken(log: Path) -> list[str]:
    """Whatever was meant for another computer, and every question to a name server, wherever that is."""
    found = []
    for call in calls(log):
        name = call.partition("(")[0]
        address = _HOST.search(call)
        if name in SPEAKING and address is not None:
            port, host = address.groups()
            near = host.startswith("127.") or host == "::1"
            if not near or port == "53":
                found.append(f"{name} {host}:{port}")
        elif name in SPEAKING and "/run/systemd/resolve/" in call:
            found.append(f"{name} the resolver of this computer")
    return found


def made(log: Path, folder: Path) -> set[Path]:
    """Every file and folder that was made, opened for writing, or put under a name, whether or not it is still there.

    folder: in which the command was started.
    """
    paths: set[str] = set()
    for call in calls(log):
        name, _, rest = call.partition("(")
        if name in ("openat", "open", "creat"):
            handle = _HANDLE.search(call)
            if handle is not None and (name == "creat" or re.search(r"O_CREAT|O_WRONLY|O_RDWR", call)):
                paths.add(handle[1].removesuffix(" (deleted)"))
        elif name not in SPEAKING and name.startswith(("mkdir", "rename", "link", "symlink")) and "= 0" in call:
            *_, (base, below, plain) = _NAMES.findall(rest)
            paths.add(str(Path(base) / below) if base or below else plain)
    return {folder / each for each in paths}
