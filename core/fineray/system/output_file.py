"""A file that counts: there whole, or not at all, also after a power cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fineray.errors import FinerayError, storage_error
from fineray.system.durable import sync_file, sync_folder


class CannotWriteThere(FinerayError):
    """The file cannot have that name or lie there."""


def check_output(output: Path, endings: tuple[str, ...], what: str) -> None:
    """Raises CannotWriteThere where the name has none of the endings or the folder is not there. what: `A report`."""
    if output.suffix.lower() not in endings:
        named = " or ".join(endings)
        raise CannotWriteThere(f"{what} is a {named} file", where=str(output), todo="Give it one of these endings.")
    if not output.parent.is_dir():
        raise CannotWriteThere("The folder is not there", where=str(output.parent), todo="Make it, or choose another.")


@contextmanager
def whole_file(output: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of `output` if nothing is raised, and is gone otherwise.

    Raises a storage error where the disk refuses.
    """
    partial = output.with_name(f".{output.name}.partial")
    try:
        yield partial
        sync_file(partial)
        partial.replace(output)
        sync_folder(output.parent)
    except OSError as error:
        raise storage_error(error) or error from error
    finally:
        partial.unlink(missing_ok=True)
