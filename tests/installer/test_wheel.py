"""What a wheel puts into site-packages, and where its version stands."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import fineray
from tests.support.installer import ROOT

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
PACKAGES = {"fineray", "fineray_desktop", "fineray_resources"}


pytestmark = pytest.mark.xdist_group("wheel")  # one wheel for all of them


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """A wheel of the sources as they are, looked into."""
    root = tmp_path_factory.mktemp("wheel")
    for part in ("core", "desktop", "resources"):
        shutil.copytree(ROOT / part, root / "source" / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root / "source" / name)
    command = [sys.executable, "-c", BUILD, str(root)]
    done = subprocess.run(command, cwd=root / "source", capture_output=True, text=True, check=True)
    return zipfile.Path(root / done.stdout.split()[-1])


@pytest.mark.integration
def test_three_names_lie_at_its_top(wheel: zipfile.Path) -> None:
    """Nothing generic lands in a site-packages folder, where it could overwrite another distribution's files."""
    assert {each.name for each in wheel.iterdir()} == {*PACKAGES, f"fineray-{fineray.__version__}.dist-info"}


@pytest.mark.integration
def test_everything_of_the_sources_is_in_it(wheel: zipfile.Path) -> None:
    packed = {str(Path(name)) for name in wheel.root.namelist()}
    for part in ("core", "desktop", "resources"):
        sources = [each for each in (ROOT / part).rglob("*") if each.is_file()]
        wanted = [each for each in sources if "__pycache__" not in each.parts and ".egg-info" not in str(each)]
        assert not {str(each.relative_to(ROOT / part)) for each in wanted} - packed


def test_the_citation_names_this_version() -> None:
    assert f"\nversion: {fineray.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
