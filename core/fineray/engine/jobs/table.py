"""Which job does which request. The command line and the worker process both come through here.

Importing this is quick, and fails where a request has no job. What a job needs it imports itself: PyTorch and
scikit-learn take seconds, which only the requests that need them shall pay.
"""

from __future__ import annotations

from typing import get_args

from fineray.engine.jobs import labels, models, pacs, project, review, splits, training
from fineray.engine.jobs.pair import paired
from fineray.engine.protocol import EndEvent, Failed, Finished, Stopped
from fineray.engine.requests import Request, Result
from fineray.errors import DeviceLost
from fineray.progress import Cancelled, Monitor
from fineray.system.crash_report import OwnFault, to_user
from fineray.system.debug_log import noted

GROUPS = (project, labels, splits, training, review, models, pacs)
TABLE = paired(get_args(Request), (pair for group in GROUPS for pair in group.PAIRS))


def carry_out(job: int, request: Request, monitor: Monitor) -> EndEvent:
    """Do a request and say how it ended; never raises but for what ends the process."""
    try:
        monitor.check()  # what was given up while it waited is not begun
        return Finished(job, do(request, monitor))
    except Cancelled:
        return Stopped(job)
    except Exception as error:  # whatever it is, the window says so and stays
        told = to_user(error)
        details = told.details if isinstance(told, OwnFault) else ""
        return Failed(job, told.what, told.where, told.todo, details, isinstance(told, DeviceLost))


def do(request: Request, monitor: Monitor) -> Result:
    """Do a request. Raises Cancelled, a FinerayError, or whatever a fault raises."""
    with noted(type(request).__name__):
        return TABLE[type(request)](request, monitor)
