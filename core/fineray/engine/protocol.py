"""The wire between the window and the worker process: what is submitted and stopped one way, events the other."""

from __future__ import annotations

from dataclasses import dataclass

from fineray.engine.requests import Request, Result
from fineray.progress import ProgressEvent


@dataclass(frozen=True)
class Submit:
    """Do this request; job is a number that the sender chose."""

    job: int
    request: Request


@dataclass(frozen=True)
class Pause:
    """Stop a job for now: all that it did is kept, and the same request goes on from there."""

    job: int


@dataclass(frozen=True)
class Cancel:
    """Stop a job and give it up: what was kept to go on from is thrown away."""

    job: int


@dataclass(frozen=True)
class Leave:
    """The window closes: end the process now; what was finished is on the disk."""


@dataclass(frozen=True)
class Reported:
    """What a job reported since the last such event; at most about ten a second.

    elapsed in seconds; rate in units a second and remaining in seconds belong to the last Progress among the
    reports, None where unknown.
    """

    job: int
    reports: tuple[ProgressEvent, ...]
    elapsed: float
    rate: float | None
    remaining: float | None


@dataclass(frozen=True)
class Alive:
    """The worker process runs; sent every few seconds, whatever it does."""


@dataclass(frozen=True)
class Finished:
    """The job is done."""

    job: int
    result: Result


@dataclass(frozen=True)
class Stopped:
    """The job was paused or cancelled."""

    job: int


@dataclass(frozen=True)
class Failed:
    """The job failed: what, where and what to do in the user's words; details are for a bug report. process_unfit: the
    worker leaves, since no later job of its could succeed."""

    job: int
    what: str
    where: str
    todo: str
    details: str = ""
    process_unfit: bool = False


ToWorker = Submit | Pause | Cancel | Leave
Event = Reported | Finished | Stopped | Failed
FromWorker = Event | Alive
EndEvent = Finished | Stopped | Failed
