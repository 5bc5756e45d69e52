"""Every change that processes make to files, in order, as strace sees it; and what a power cut would leave of them.

A cut after an operation leaves what was synced; of what was not, the disk may have any part (T. S. Pillai et al., All
file systems are not created equal, OSDI 2014). Entries of folders are taken to reach the disk in their order.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,lseek,fsync,fdatasync,rename,renameat,"
    "renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,sendfile,copy_file_range,fallocate,link,linkat,clone,clone3"
)
BLOCK = 4096
LONGEST = 1 << 27  # bytes of one call; strace takes no more
Kind = Literal["create", "write", "copy", "truncate", "sync", "rename", "unlink", "mkdir", "said"]


@dataclass(frozen=True)
class Operation:
    """path: what it is done to; to: the target of a rename or a copy; at: offset or size; data: bytes written."""

    kind: Kind
    path: str
    to: str = ""
    at: int = 0
    data: bytes = b""


def can_record() -> bool:
    """Whether strace is there and allowed to look."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


def record(command: Sequence[str], log: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command with all its children and write down what they do to files."""
    watch = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", str(LONGEST), "-e", f"trace={CALLS}", "-o", str(log)]
    return subprocess.run([*watch, *command], capture_output=True, text=True, env=environment, check=False)


_LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>(.*)|(\w+)\((.*))$")
_PIECE = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HANDLE = re.compile(r"^(\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2}|[^>])*)>")
_NUMBER = re.compile(r", (-?\d+)(?=[,)])")


def operations(log: Path) -> Iterator[Operation]:
    """What was done, in the order in which it ended; what failed is left out."""
    begun: dict[str, str] = {}
    reader = _Reader()
    with log.open(encoding="latin-1") as lines:
        for line in lines:
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                continue
            thread, resumed, rest, name, words = found.groups()
            if resumed:
                name, words = resumed, begun.pop(thread, "") + rest
            elif words.endswith("<unfinished ...>"):
                begun[thread] = words.removesuffix("<unfinished ...>").rstrip()
                continue
            call, _, result = words.rpartition(" = ")
            if result and not result.startswith(("-1", "?")):
                yield from reader.read(thread, name, call, result)


class _Reader:
    """Knows where in its file each process stands."""

    def __init__(self) -> None:
        self._process: dict[str, str] = {}  # of a thread
        self._places: dict[tuple[str, str], int] = {}
        self._sizes: dict[str, int] = {}

    def read(self, thread: str, name: str, call: str, result: str) -> Iterator[Operation]:
        process = self._process.setdefault(thread, thread)
        if name in ("clone", "clone3"):
            if "CLONE_THREAD" in call:
                self._process[result.split()[0]] = process
            return
        handle = _HANDLE.match(call)
        path = _text(handle[2]) if handle else ""
        said = handle is not None and handle[1] == "1" and not path.startswith("/")
        if handle is not None and handle[1].isdigit() and not path.startswith("/") and not said:
            return  # a pipe or a socket
        place = (process, handle[1] if handle else "")
        match name:
            case "openat" | "open" | "creat":
                yield from self._opened(process, name, call, result)
            case "lseek":
                self._places[place] = int(result.split()[0])
            case "write" | "writev":
                data = _written(call, result)
                if said:
                    yield Operation("said", data.decode(errors="replace").strip())
                    return
                at = self._places.get(place, 0)
                self._places[place] = at + len(data)
                yield self._put(path, at, data)
            case "pwrite64" | "pwritev" | "pwritev2":
                yield self._put(path, int(_NUMBER.findall(call)[-1]), _written(call, result))
            case "ftruncate" | "truncate":
                yield Operation("truncate", path or _texts(call)[0], at=int(_NUMBER.findall(call)[-1]))
            case "fsync" | "fdatasync":
                yield Operation("sync", path)
            case "rename" | "renameat" | "renameat2":
                old, new = _texts(call)[:2]
                self._sizes[new] = self._sizes.pop(old, 0)
                yield Operation("rename", old, new)
            case "unlink" | "unlinkat" | "rmdir":
                yield Operation("unlink", _below(path, _texts(call)[-1]))
            case "mkdir" | "mkdirat":
                yield Operation("mkdir", _below(path, _texts(call)[-1]))
            case "sendfile" | "copy_file_range":
                copied = [_text(each) for each in re.findall(r"\d+<((?:\\x[0-9a-f]{2})+)>", call)]
                source, target = reversed(copied) if name == "sendfile" else copied
                yield Operation("copy", source, target)
            case "link" | "linkat" if "/dev/shm/" in _texts(call)[-1]:
                return  # semaphores of processes, not files
            case _:
                raise AssertionError(f"{name} is not understood: {call[:200]}")

    def _opened(self, process: str, name: str, call: str, result: str) -> Iterator[Operation]:
        opened = _HANDLE.match(result)
        assert opened is not None
        path = _text(opened[2])
        self._places[process, opened[1]] = self._sizes.get(path, 0) if "O_APPEND" in call else 0
        if "O_CREAT" in call or name == "creat":
            self._sizes.setdefault(path, 0)
            yield Operation("create", path)
        if "O_TRUNC" in call:
            self._sizes[path] = 0
            yield Operation("truncate", path)

    def _put(self, path: str, at: int, data: bytes) -> Operation:
        self._sizes[path] = max(self._sizes.get(path, 0), at + len(data))
        return Operation("write", path, at=at, data=data)


def _written(call: str, result: str) -> bytes:
    return b"".join(map(_bytes, _PIECE.findall(call)))[: int(result.split()[0])]


def _texts(call: str) -> list[str]:
    return [_text(each) for each in _PIECE.findall(call)]


def _below(folder: str, name: str) -> str:
    """A name as *at() calls take it: below an open folder unless it is absolute."""
    return str(Path(folder or ".") / name)


def _text(text: str) -> str:
    return _bytes(text).decode(errors="replace")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode("latin-1")


@dataclass
class _File:
    synced: bytearray = field(default_factory=bytearray)
    since: list[Operation] = field(default_factory=list)  # writes and truncations that were not waited for


class Disk:
    """What lies below `root` as the operations go by."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._files: dict[str, _File] = {}
        self._folders: set[str] = set()

    def apply(self, operation: Operation) -> bool:
        """Whether it concerned this disk."""
        path = operation.path
        if operation.kind == "said" or not path.startswith(self._root):
            return False
        match operation.kind:
            case "copy":
                raise AssertionError("copied by the system: its bytes are not known")
            case "create":
                self._files.setdefault(path, _File())
            case "write" | "truncate":
                self._files.setdefault(path, _File()).since.append(operation)
            case "sync":
                file = self._files.get(path)
                if file is not None:
                    for each in file.since:
                        _put(file.synced, each)
                    file.since.clear()
            case "rename":
                self._move(path, operation.to)
            case "unlink":
                self._files.pop(path, None)
                self._folders.discard(path)
            case "mkdir":
                self._folders.add(path)
        return True

    def _move(self, old: str, new: str) -> None:
        for path in [each for each in self._files if each == old or each.startswith(f"{old}/")]:
            self._files[new + path[len(old) :]] = self._files.pop(path)
        for path in [each for each in self._folders if each == old or each.startswith(f"{old}/")]:
            self._folders.remove(path)
            self._folders.add(new + path[len(old) :])

    def left(self, into: Path, keep: Literal["all", "synced", "some"], dice: random.Random) -> None:
        """Write what a power cut now would leave: everything, only what was waited for, or of the rest any blocks."""
        for folder in self._folders:
            (into / Path(folder).relative_to(self._root)).mkdir(parents=True, exist_ok=True)
        for name, file in self._files.items():
            content = bytearray(file.synced)
            for each in file.since if keep != "synced" else ():
                if keep == "all" or each.kind == "truncate":
                    _put(content, each)
                    continue
                for start in range(0, len(each.data), BLOCK):
                    if dice.random() < 0.5:
                        piece = each.data[start : start + BLOCK]
                        _put(content, Operation("write", name, at=each.at + start, data=piece))
            target = into / Path(name).relative_to(self._root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _put(content: bytearray, operation: Operation) -> None:
    if operation.kind == "truncate":
        del content[operation.at :]
        content.extend(bytes(operation.at - len(content)))
        return
    content.extend(bytes(max(0, operation.at - len(content))))
    content[operation.at : operation.at + len(operation.data)] = operation.data
