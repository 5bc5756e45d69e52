"""The parts of the installers that can be tested without building one."""

from __future__ import annotations

import configparser
import hashlib
import re
import struct
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from fineray.package.signature import make_key
from tests.support.installer import INSTALLER, ROOT, module


def test_checksums_are_signed_and_a_changed_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "fineray.deb").write_bytes(b"an installer")
    digest = hashlib.sha256(b"an installer").hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  fineray.deb\n")
    key = make_key(tmp_path / "key.pem")

    def checksums(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(INSTALLER / "checksums.py"), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL,
                              env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})  # fmt: skip

    listing = str(tmp_path / "SHA256SUMS")
    assert key.fingerprint in checksums("sign", listing, str(tmp_path / "key.pem")).stdout
    right = checksums("check", listing, key.fingerprint)
    assert right.returncode == 0 and "fineray.deb: right" in right.stdout
    assert checksums("check", listing, "0000").returncode != 0
    (tmp_path / "fineray.deb").write_bytes(b"another installer")
    assert "not what was signed" in checksums("check", listing, key.fingerprint).stderr
    (tmp_path / "SHA256SUMS").write_text(f"{digest[::-1]}  fineray.deb\n")
    assert checksums("check", listing, key.fingerprint).returncode != 0


def test_parts_under_the_gpl_are_refused() -> None:
    licences = module("licences")

    class Part:
        def __init__(self, expression: str = "", classifiers: tuple[str, ...] = ()) -> None:
            self.metadata = self
            self._told = {"License-Expression": expression, "License": ""}
            self._classifiers = list(classifiers)

        def __getitem__(self, name: str) -> str:
            return self._told[name]

        def get_all(self, name: str) -> list[str]:
            return self._classifiers

    gpl = "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
    lgpl = "License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)"
    assert licences.is_gpl(Part("GPL-3.0-only")) and licences.is_gpl(Part(classifiers=(gpl,)))
    assert licences.is_gpl(Part("AGPL-3.0-or-later"))
    for fine in (Part("MIT"), Part("LGPL-3.0-only"), Part(classifiers=(lgpl,)), Part("GPL-2.0-only OR MIT")):
        assert not licences.is_gpl(fine)


def test_every_dependency_is_locked_with_a_hash_on_every_platform() -> None:
    locks = module("locks")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["cpu"]]
    names = {re.split(r"[<>=!~;\[ ]", each)[0].lower().replace("_", "-") for each in asked}
    assert set(locks.PLATFORMS) == {"linux-x86_64", "windows-x86_64", "macos-arm64"}
    for platform in locks.PLATFORMS:
        text = (INSTALLER / "locks" / f"{platform}.txt").read_text("utf-8")
        locked = {pin.split("==")[0].lower() for pin in locks.pins(INSTALLER / "locks" / f"{platform}.txt")}
        assert names <= locked, (platform, names - locked)
        assert text.count("--hash=sha256:") >= len(locked)


def test_a_screen_becomes_a_picture(tmp_path: Path) -> None:
    shades = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    header = [0] * 25
    header[0], header[4], header[5], header[12], header[19] = 104, 7, 5, 32, 2
    lines = b"".join(row.tobytes() + bytes(4) for row in shades)
    (tmp_path / "s.xwd").write_bytes(struct.pack(">25I", *header) + bytes(4) + bytes(24) + lines)
    module("xwd_to_png").main(tmp_path / "s.xwd", tmp_path / "s.png")
    assert (np.asarray(Image.open(tmp_path / "s.png")) == shades[..., 2::-1]).all()


def test_the_menu_entry_opens_what_the_file_types_name() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment, method-assign]
    entry.read(INSTALLER / "linux" / "fineray.desktop")
    opened = set(entry["Desktop Entry"]["MimeType"].strip(";").split(";"))
    known = ElementTree.parse(INSTALLER / "linux" / "fineray.xml").getroot()
    types = {each.attrib["type"]: each[-1].attrib["pattern"] for each in known}
    assert opened == set(types) and set(types.values()) == {"*.fineray", "*.frpkg"}
    windows = (INSTALLER / "windows" / "fineray.iss").read_text("utf-8")
    assert r"Classes\.fineray" in windows and r"Classes\.frpkg" in windows


@pytest.mark.parametrize("script", ["build", "check", "linux/install.sh", "macos/make-dmg.sh", "wheelhouse/install.sh"])
def test_scripts_can_be_read_by_their_shell(script: str) -> None:
    path = INSTALLER / script
    first = path.read_text("utf-8").splitlines()[0]
    command = [sys.executable, "-m", "py_compile"] if "python" in first else [first.split()[-1].split("/")[-1], "-n"]
    assert subprocess.run([*command, str(path)], check=False).returncode == 0
