"""What a project or a package from somebody else may try: places outside, the network, a signature asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torchvision

from fineray.backbones.catalogue import UnknownBackbone, backbone
from fineray.backbones.surgery import architecture
from fineray.package.archive import PackageRefused
from fineray.package.opening import open_package
from fineray.project.project import NotAProject, create_project, open_project
from fineray.system.user_folder import user_folder


@pytest.mark.parametrize("name", ["../../victim/planted", "/tmp/other-app", "", "0" * 31 + "G", "0" * 32 + "\n"])
def test_a_projects_id_names_no_file_elsewhere(tmp_path: Path, name: str) -> None:
    create_project(tmp_path / "p")
    with open_project(tmp_path / "p", lock=True) as project:
        project.db.execute("UPDATE setting SET value = ? WHERE name = 'id'", (name,))
        project.db.commit()
    home = user_folder()
    before = {path for path in (*tmp_path.rglob("*"), *home.rglob("*")) if not path.name.startswith("catalogue")}
    with pytest.raises(NotAProject):
        open_project(tmp_path / "p")
    after = {path for path in (*tmp_path.rglob("*"), *home.rglob("*")) if not path.name.startswith("catalogue")}
    assert after == before and not Path("/tmp/other-app.sqlite").exists()


CLASSIFIERS = torchvision.models.list_models(torchvision.models)
OTHERS = [name for name in torchvision.models.list_models() if name not in CLASSIFIERS]


@pytest.mark.parametrize("name", OTHERS)
def test_networks_that_would_fetch_their_backbone_are_refused_before_they_are_built(name: str) -> None:
    with pytest.raises(UnknownBackbone, match="torchvision has no network named"):
        architecture(replace(backbone("resnet50"), library="torchvision", architecture=name))


@pytest.mark.parametrize("fingerprint", [" ", "\t\n"])
def test_a_blank_fingerprint_accepts_nothing(tmp_path: Path, fingerprint: str) -> None:
    with pytest.raises(PackageRefused):
        open_package(tmp_path / "none.frpkg", tmp_path / "p", signed_by=fingerprint)
