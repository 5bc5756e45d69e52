"""A study whose sick images differ by a bright patch in one place, and a run that learned it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fineray.project.project import Project, open_project
from fineray.project.runs import RunFolder, runs
from tests.support.studies import Zoo, lend


@pytest.fixture(scope="session")
def taught(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, RunFolder]]:
    """(project, run) on the planted patch: this process's copy, which its tests share."""
    folder = tmp_path_factory.mktemp("planted")
    with pytest.MonkeyPatch.context() as patch:  # the home of single tests is not there yet
        patch.setenv("FINERAY_HOME", str(folder / "home"))
        project = open_project(lend(zoo.planted(), folder / "study", folder / "home"))
    yield project, runs(project)[0]
    project.close()
