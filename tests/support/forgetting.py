"""A worker process of a program that has a request which no job answers."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.connection import Connection

from fineray.engine import requests
from fineray.engine.worker import serve


@dataclass(frozen=True)
class Unanswered:
    """Nobody does this."""


def serve_forgetful(connection: Connection) -> None:
    """Like serve(), with one request more."""
    requests.Request = requests.Request | Unanswered  # type: ignore[misc]
    serve(connection)
