"""The file of a package: members that lie there as they are, and a list of their hashes that may be signed."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fineray.errors import FinerayError
from fineray.package.signature import Signature, SigningKey
from fineray.project.runs import PACKAGE
from fineray.system.digest import sha256
from fineray.system.output_file import whole_file

FORMAT = 2  # 1: `several`, `preprocessing.side`
ENDING = ".frpkg"
LIST, SIGNATURE = PACKAGE, "signature.json"
STUDY_PREDICTIONS = "study_predictions.csv"  # other names than in a run: they are not of the receiver's images
STUDY_TEST_PREDICTIONS, STUDY_TEST_METRICS = "study_test_predictions.csv", "study_test_metrics.json"
MEMBERS = {
    *("recipe.json", "metrics.json", "backbone.json", "training_set.json"),
    *("head.safetensors", "network.safetensors", "backbone.safetensors", "training_set.safetensors"),
    *("model_card.md", STUDY_PREDICTIONS, STUDY_TEST_PREDICTIONS, STUDY_TEST_METRICS),
}
LARGEST_LIST, LARGEST = 1 << 20, 4 << 30  # bytes
_BLOCK = 1 << 20
_WHEN = (1980, 1, 1, 0, 0, 0)  # in each member: the same content gives the same file


class PackageRefused(FinerayError):
    """The file is no package, is damaged, was changed, or is of another version."""


@dataclass(frozen=True)
class Opened:
    """A package whose hashes were found right. facts: what package.json says; signature: None where it bears none."""

    facts: dict[str, Any]
    signature: Signature | None


def write_archive(output: Path, folder: Path, facts: dict[str, Any], key: SigningKey | None) -> None:
    """Pack the files of a folder whole or not at all. Raises a storage error."""
    names = sorted(path.name for path in folder.iterdir())
    files = {name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size} for name in names}
    listing = json.dumps({"format": FORMAT, **facts, "files": files}, indent=1, sort_keys=True).encode()
    with whole_file(output) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_member(LIST), listing)
        if key is not None:
            archive.writestr(_member(SIGNATURE), key.sign(listing).to_json())
        for name in names:
            with (folder / name).open("rb") as source, archive.open(_member(name), "w", force_zip64=True) as target:
                while block := source.read(_BLOCK):
                    target.write(block)


def read_archive(path: Path, folder: Path | None = None) -> Opened:
    """Check a package, and lay its members into a folder. Raises PackageRefused or a storage error.

    A member is taken only under a name that packages have, stored as it is, and with the size and hash that the list
    tells; so nothing can be written elsewhere, unpacked to more than it seems, or changed without notice.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, path, folder)
    except FileNotFoundError as error:
        raise PackageRefused("There is no such file", where=str(path), todo="Choose a .frpkg file.") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise PackageRefused(
            "The file is no package, or only a part of one", where=str(path), todo="Get it again from its sender."
        ) from error


def _read(archive: zipfile.ZipFile, path: Path, folder: Path | None) -> Opened:
    members = archive.infolist()
    names = [member.filename for member in members]
    wrong = [
        member.filename
        for member in members
        if member.filename not in MEMBERS | {LIST, SIGNATURE}
        or member.compress_type != zipfile.ZIP_STORED
        or stat.S_ISLNK(member.external_attr >> 16)
    ]
    if LIST not in names or wrong or len(set(names)) != len(names):
        raise PackageRefused(
            "The file holds something that packages do not have" if LIST in names else "The file is no package",
            where=f"{path}: {wrong[0][:80]!r}" if wrong else str(path),
            todo="Do not use it; ask its sender what it is.",
        )
    if sum(member.file_size for member in members) > LARGEST or archive.getinfo(LIST).file_size > LARGEST_LIST:
        raise PackageRefused("The package is larger than models are", where=str(path), todo="Do not use it.")
    listing = archive.read(LIST)
    facts = _facts(listing, path)
    signature = Signature.from_json(archive.read(SIGNATURE), str(path)) if SIGNATURE in names else None
    if signature is not None:
        signature.check(listing, str(path))
    listed: dict[str, Any] = facts["files"]
    if set(listed) != set(names) - {LIST, SIGNATURE}:
        raise _changed(path, "its list of files is another")
    for name, told in listed.items():
        _take(archive, name, told, path, folder)
    if folder is not None:
        (folder / LIST).write_bytes(listing)
    return Opened(facts, signature)


def _facts(listing: bytes, path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(listing)
        version = int(facts["format"])
        files = facts["files"]
        fine = isinstance(files, dict) and all(set(each) == {"sha256", "bytes"} for each in files.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _changed(path, "its list cannot be read") from error
    if version not in (1, FORMAT):
        raise PackageRefused(
            f"The package has format {version}; this Fineray reads formats up to {FORMAT}",
            where=str(path),
            todo="Install the newest version of Fineray, or ask the sender to export the model again.",
        )
    if not fine:
        raise _changed(path, "its list cannot be read")
    return dict(facts) if version == FORMAT else _of_first_format(facts, path)


def _of_first_format(facts: dict[str, Any], path: Path) -> dict[str, Any]:
    """The same under the keys of today."""
    try:
        told = {("multilabel" if name == "several" else name): value for name, value in facts.items()}
        made = {("input_size" if name == "side" else name): value for name, value in facts["preprocessing"].items()}
    except (KeyError, AttributeError) as error:
        raise _changed(path, "its list cannot be read") from error
    return {**told, "preprocessing": made}


def _take(archive: zipfile.ZipFile, name: str, told: dict[str, Any], path: Path, folder: Path | None) -> None:
    digest, size = hashlib.sha256(), 0
    target = (folder / name).open("xb") if folder is not None else None
    try:
        with archive.open(name) as source:
            while block := source.read(_BLOCK):
                digest.update(block)
                size += len(block)
                if target is not None:
                    target.write(block)
    finally:
        if target is not None:
            target.close()
    if size != told["bytes"] or digest.hexdigest() != told["sha256"]:
        raise _changed(path, f"{name} is not what it was")


def _changed(path: Path, why: str) -> PackageRefused:
    return PackageRefused(
        f"The package is damaged or was changed: {why}",
        where=str(path),
        todo="Do not use it; get it again from its sender, and compare the SHA-256 that was shown when it was made.",
    )


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _WHEN)
