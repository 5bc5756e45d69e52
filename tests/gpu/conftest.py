"""What tests of a GPU share: the device, a study, and a backbone. FINERAY_GPU_TESTS_ON=cpu tries them without a GPU."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from fineray.backbones.catalogue import Backbone
from fineray.project.project import Project, open_project
from fineray.project.splits import Split, SplitPlan, latest_split
from tests.support.device_in_use import forget, use
from tests.support.one_device import stand_in_for_fabric
from tests.support.synthetic import random_backbone, write_study

IMAGES = {"cuda": 400, "cpu": 32}
SIDE = 256


@pytest.fixture(scope="session")
def gpu() -> torch.device:
    """The GPU, or what stands in for it; a skip where there is neither."""
    chosen = os.environ.get("FINERAY_GPU_TESTS_ON", "cuda")
    if chosen == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here (FINERAY_GPU_TESTS_ON=cpu tries what does not need one)")
    return torch.device(chosen)


@pytest.fixture(scope="session")
def cuda(gpu: torch.device) -> torch.device:
    """The GPU itself."""
    if gpu.type != "cuda":
        pytest.skip("this is about a GPU's own memory or numbers")
    return gpu


@pytest.fixture(scope="session")
def whole_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One user folder for all of these tests, so that random weights are added once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def home(whole_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FINERAY_HOME", str(whole_home))
    return whole_home


@pytest.fixture(scope="session")
def chosen(whole_home: Path) -> Backbone:
    """A backbone, with random weights where there are no others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINERAY_HOME", str(whole_home))
        return random_backbone("efficientnet_lite0")


@pytest.fixture(scope="session")
def blank(gpu: torch.device, whole_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that nobody touches, to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINERAY_HOME", str(whole_home))
        write_study(root := tmp_path_factory.mktemp("blank") / "study", IMAGES[gpu.type], SIDE, SplitPlan(folds=2))
    return root


@pytest.fixture
def study(blank: Path, tmp_path: Path) -> Iterator[Project]:
    shutil.copytree(blank, tmp_path / "study")
    with open_project(tmp_path / "study") as project:
        yield project


@pytest.fixture
def split(study: Project) -> Split:
    found = latest_split(study)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def on(gpu: torch.device, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Everything runs on the GPU, until a test says otherwise by use(); afterwards nothing of it stays in memory."""
    use(gpu, monkeypatch)
    stand_in_for_fabric()
    yield monkeypatch
    forget()
