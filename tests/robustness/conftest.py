"""Figures of the robustness tests go into docs/reliability.md where that is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.robustness.reliability import Reliability


@pytest.fixture(scope="session")
def _figures(request: pytest.FixtureRequest) -> Iterator[Reliability]:
    asked = request.config.getoption("--reliability")
    if asked and "PYTEST_XDIST_WORKER" in os.environ:
        raise pytest.UsageError("--reliability wants -n 0: one process writes the table")
    figures = Reliability(Path(asked) if asked else None)
    yield figures
    figures.write()


@pytest.fixture
def reliability(_figures: Reliability, request: pytest.FixtureRequest) -> Reliability:
    """Where a test notes what it measured."""
    _figures.test = f"{request.path.name}::{request.node.originalname}"
    return _figures
