"""A memory that is full and a GPU that fails are said in words, and the next step works."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fineray.engine.protocol import Alive, Failed, Reported, Submit
from fineray.engine.requests.training import LoadLibraries
from fineray.errors import device_error
from tests.support.failing import fail, serve_failing


@pytest.mark.integration
@pytest.mark.parametrize(
    ("how", "said", "leaves"),
    [
        ("gpu gone", "The GPU stopped working", True),
        ("gpu full", "The memory of the GPU is full", False),
        ("memory full", "This computer's memory is full", False),
        ("no memory", "This computer's memory is full", False),
    ],
)
def test_it_is_said_and_a_process_that_lost_its_gpu_leaves(how: str, said: str, leaves: bool) -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve_failing, args=(theirs, how))
    process.start()
    theirs.close()
    ours.send(Submit(1, LoadLibraries()))
    event: object = Alive()
    while isinstance(event, Alive | Reported):  # before it fails it loads PyTorch, and says so
        assert ours.poll(60)
        event = ours.recv()
    assert isinstance(event, Failed) and event.what == said and event.todo and not event.details
    if leaves:
        process.join(20)
        assert process.exitcode == 0
    else:
        assert process.is_alive()
    ours.close()
    process.join(20)
    assert process.exitcode is not None


def test_other_errors_are_not_taken_for_these() -> None:
    assert device_error(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert device_error(ValueError("CUDA")) is None
    with pytest.raises(MemoryError):
        fail("no memory")


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
def test_training_with_too_little_memory_ends_in_words(trained: Path) -> None:
    """The real thing: an address space that suffices to begin and not to finish."""
    code = """
import resource, sys
from fineray.cli.main import main
import torch, timm, sklearn.linear_model, fineray.training.train
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 60_000_000, now + 60_000_000))
sys.exit(main(["train", sys.argv[1], "--mode", "scratch", "--epochs", "1", "--batch", "40", "--json"]))
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(trained)], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr[-800:]
    assert "memory is full" in done.stdout, done.stdout + done.stderr[-1500:]
    assert len(list((trained / "runs").glob("run-*"))) == 2
