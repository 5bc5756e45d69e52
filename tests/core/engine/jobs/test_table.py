"""The table of jobs is whole, quick to import, and laid out like the requests."""

from __future__ import annotations

import multiprocessing
import pkgutil
import subprocess
import sys
from dataclasses import is_dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from typing import get_args

import pytest

import fineray.engine.requests
from fineray.engine.jobs.table import GROUPS, TABLE
from fineray.engine.requests import Request
from fineray.engine.worker import serve
from tests.support.forgetting import serve_forgetful

MODULES = [name for _, name, _ in pkgutil.iter_modules(fineray.engine.requests.__path__)]
HEAVY = ("torch", "torchvision", "timm", "monai", "sklearn", "scipy", "pydicom", "gdcm", "matplotlib", "pynetdicom")


def _declared(module: str) -> set[type]:
    """Every request that a module of fineray.engine.requests declares."""
    name = f"fineray.engine.requests.{module}"
    return {
        each
        for each in vars(import_module(name)).values()
        if isinstance(each, type) and is_dataclass(each) and each.__module__ == name
    }


def test_every_declared_request_is_one_and_has_its_job() -> None:
    declared = set().union(*map(_declared, MODULES))
    assert len(declared) > 30
    assert declared == set(get_args(Request)) == set(TABLE)


@pytest.mark.parametrize("module", MODULES)
def test_jobs_lie_in_the_file_of_the_same_name(module: str) -> None:
    jobs = import_module(f"fineray.engine.jobs.{module}")
    assert jobs in GROUPS
    assert {pair.request for pair in jobs.PAIRS} == _declared(module)
    assert {pair.job.__module__ for pair in jobs.PAIRS} == {jobs.__name__}


def test_the_table_alone_loads_no_library_that_takes_long() -> None:
    code = f"import sys, fineray.engine.jobs.table; print([each for each in {HEAVY} if each in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("forgetful", [True, False])
def test_a_worker_that_lacks_a_job_does_not_start(forgetful: bool, capfd: pytest.CaptureFixture[str]) -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve_forgetful if forgetful else serve, args=(theirs,))
    process.start()
    theirs.close()
    try:
        assert _speaks(ours) is not forgetful
    finally:
        ours.close()
        process.join(20)
    assert (process.exitcode != 0) is forgetful
    assert ("PairsNotWhole: Unanswered: has no job" in capfd.readouterr().err) is forgetful


def _speaks(connection: Connection) -> bool:
    """Whether the worker says anything before it leaves."""
    assert connection.poll(60)
    try:
        connection.recv()
    except EOFError:
        return False
    return True
