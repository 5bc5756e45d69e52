"""Which images an entry of a table means, by what the entry is: a file, a UID, a patient, ...

Identifiers are known to a project as keyed hashes alone: an entry that matches nothing can be tried in other spellings,
but nobody can list what it might have meant. Files are known by their places on this computer.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from fineray.project.patients.identify import kept_rule
from fineray.project.project import Project

KeyKind = Literal[
    "sop_instance_uid",
    "file",
    "content_hash",
    "series_instance_uid",
    "accession_number",
    "study_instance_uid",
    "patient_id",
    "folder",
]
# In words, the narrowest first.
KINDS: dict[KeyKind, str] = {
    "sop_instance_uid": "SOP Instance UID",
    "file": "file",
    "content_hash": "content hash",
    "series_instance_uid": "Series Instance UID",
    "accession_number": "accession number",
    "study_instance_uid": "Study Instance UID",
    "patient_id": "patient ID",
    "folder": "folder",
}
# A row by one of these may mean several images, which a column beside it tells apart.
OF_SEVERAL: tuple[KeyKind, ...] = (
    "series_instance_uid",
    "accession_number",
    "study_instance_uid",
    "patient_id",
    "folder",
)
Rule = Literal["zeros", "decimal", "case", "extension", "path"]
RULES: dict[Rule, str] = {
    "zeros": "leading zeros do not count",
    "decimal": "“.0” at the end does not count",
    "case": "capital and small letters are the same",
    "extension": "the file's extension does not count",
    "path": "the longest common end of the path",
}
WIDEST = 16  # digits that a number with leading zeros is tried with
EXTENSION = re.compile(r"(\.[A-Za-z][A-Za-z0-9]{1,5}){1,2}$")  # .dcm, .nii.gz; not the end of a UID
NUMBER = re.compile(r"^(\D*)0*(\d+)$", re.DOTALL)


@dataclass(frozen=True)
class Found:
    """images: those that an entry means; ambiguous: it fits several and none for sure; as_: how it stands in the
    project, where it was not found as it is written; common: how many parts of a path agreed."""

    images: tuple[int, ...] = ()
    ambiguous: bool = False
    as_: str = ""
    common: int = 0


NOTHING = Found()
Find = Callable[[str, frozenset[Rule]], Found]


class Keys:
    """Finds the images of a project by entries of every kind; what a kind needs is read once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._finders: dict[KeyKind, Find] = {}

    def find(self, kind: KeyKind, entry: str, rules: frozenset[Rule] = frozenset()) -> Found:
        """The images that an entry means; rules are applied only where it means none as it is written."""
        return self.finder(kind)(entry, rules)

    def finder(self, kind: KeyKind) -> Find:
        """The same for one kind."""
        if kind not in self._finders:
            self._finders[kind] = cache(self._made(kind))
        return self._finders[kind]

    def _made(self, kind: KeyKind) -> Find:
        if kind == "file":
            return Paths(self._files()).find
        if kind == "folder":
            return Paths(self._folders()).find
        return _Hashes(self._project, kind).find

    def names(self) -> list[str]:
        """The files' paths from the imported folder on, as they may be shown beside an entry without a match."""
        return ["/".join(path) for path, _ in self._files()]

    def _files(self) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        images = _grouped(self._project.db.execute("SELECT path_hash, image_id FROM image_file ORDER BY image_id"))
        return [
            (tuple(each.location.parts), tuple(images[each.path_hash]))
            for each in self._project.sources.all()
            if each.path_hash in images
        ]

    def _folders(self) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        """Every folder from the imported ones down, with the images below it."""
        below: dict[tuple[str, ...], set[int]] = defaultdict(set)
        images = _grouped(self._project.db.execute("SELECT path_hash, image_id FROM image_file"))
        for each in self._project.sources.all():
            parts, top = tuple(each.location.parts), len(each.root.parts)
            for length in range(top, len(parts)):
                below[parts[:length]].update(images.get(each.path_hash, ()))
        return [(folder, tuple(sorted(found))) for folder, found in below.items() if found]


# What of an image an identifier is looked up in, and what the import wrote before it when it made the hash
# (project.files.image_writer).
HASHED: dict[KeyKind, tuple[tuple[str, ...], str]] = {
    "sop_instance_uid": (("uid_hash",), "sop:"),
    "series_instance_uid": (("series_hash",), "series:"),
    "study_instance_uid": (("study_hash",), "study:"),
    "accession_number": (("accession_hash",), "accession:"),
    "patient_id": (("stated_hash", "id_hash"), "patient:"),
    "content_hash": (("content_hash",), ""),
}
# Patients that were named by their folders or files are known by those names, too (project.patients.rule).
NAMED = {"folder": "patient of folder name:", "name": "patient of name:"}


class _Hashes:
    """Identifiers: an entry is hashed as the import hashed it."""

    def __init__(self, project: Project, kind: KeyKind) -> None:
        columns, self._prefix = HASHED[kind]
        self._hashed = project.keyed_hash
        self._by_hash = _images_by(project, columns)
        self._named = NAMED.get(kept_rule(project).by, "") if kind == "patient_id" else ""
        self._frames: dict[int, int] = {}
        if kind == "sop_instance_uid":
            self._frames = dict(project.db.execute("SELECT id, frame FROM image"))

    def find(self, entry: str, rules: frozenset[Rule]) -> Found:
        exact = self._images(entry)
        if exact:
            return self._told(exact, "")
        others = {text: found for text in spellings(entry, rules) if (found := self._images(text))}
        if not others:
            return NOTHING
        if len(set(others.values())) > 1:
            return Found(ambiguous=True, as_=" and ".join(sorted(others)[:3]))
        text, images = next(iter(others.items()))
        return self._told(images, text)

    def _images(self, text: str) -> tuple[int, ...]:
        found = self._by_hash.get(self._hashed(self._prefix + text) if self._prefix else text.lower())
        if found is None and self._named:
            found = self._by_hash.get(self._hashed(self._named + text))
        return found or ()

    def _told(self, images: tuple[int, ...], as_: str) -> Found:
        frames = [self._frames[image] for image in images if image in self._frames]
        if len(frames) > len(set(frames)):  # different images under one UID, not the frames of one file
            return Found(ambiguous=True, as_=as_)
        return Found(images, as_=as_)


def _images_by(project: Project, columns: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Hash -> images; what the first column says of a hash counts."""
    found: dict[str, tuple[int, ...]] = {}
    for column in columns:
        rows = project.db.execute(
            f"SELECT {column}, image.id FROM image JOIN patient ON patient.id = patient_id ORDER BY image.id"
        )
        grouped = _grouped((key, image) for key, image in rows if key)
        found = {key: tuple(images) for key, images in grouped.items()} | found
    return found


def spellings(entry: str, rules: frozenset[Rule]) -> Iterator[str]:
    """How else an identifier may be written, by the rules."""
    found = {entry: None}
    if "decimal" in rules:
        found |= {re.sub(r"\.0+$", "", text): None for text in found}
    if "zeros" in rules:
        for text in list(found):
            if number := NUMBER.match(text):
                found |= {f"{number[1]}{number[2]:0>{width}}": None for width in range(len(number[2]), WIDEST + 1)}
    if "case" in rules:
        found |= {change(text): None for text in list(found) for change in (str.upper, str.lower, str.title)}
    yield from (text for text in found if text != entry)


Path = tuple[tuple[str, ...], tuple[int, ...]]


class Paths:
    """Places of files or folders: an entry means the place that ends with it."""

    def __init__(self, places: Iterable[Path]) -> None:
        self._places = [(_parts("/".join(parts)), images) for parts, images in places]
        self._by_name: dict[tuple[bool, bool], dict[str, list[Path]]] = {}

    def find(self, entry: str, rules: frozenset[Rule]) -> Found:
        """The images of the one place that the entry means."""
        parts = _parts(entry)
        if not parts:
            return NOTHING
        found = self._ending(parts, False, False, whole=True)
        if found == NOTHING and rules:
            case, extension = "case" in rules, "extension" in rules
            found = self._ending(parts, case, extension, whole=True)
            if found == NOTHING and "path" in rules:
                found = self._ending(parts, case, extension, whole=False)
        return found

    def _ending(self, parts: tuple[str, ...], case: bool, extension: bool, whole: bool) -> Found:
        wanted = _alike(parts, case, extension)
        fitting: dict[tuple[int, ...], tuple[str, ...]] = {}
        longest = len(wanted) if whole else 1
        for place, images in self._named(case, extension).get(wanted[-1], []):
            common = common_end(_alike(place, case, extension), wanted)
            if common > longest:
                fitting, longest = {}, common
            if common == longest:
                fitting[images] = place[-max(common, 2) :]
        if not fitting:
            return NOTHING
        if len(fitting) > 1:
            return Found(
                ambiguous=True, common=longest, as_=" and ".join("/".join(p) for p in list(fitting.values())[:2])
            )
        ((images, place),) = fitting.items()
        return Found(images, common=longest, as_="" if whole and not (case or extension) else "/".join(place))

    def _named(self, case: bool, extension: bool) -> dict[str, list[Path]]:
        if (case, extension) not in self._by_name:
            by_name: dict[str, list[Path]] = defaultdict(list)
            for place, images in self._places:
                by_name[_alike(place[-1:], case, extension)[0]].append((place, images))
            self._by_name[case, extension] = dict(by_name)
        return self._by_name[case, extension]


def _parts(text: str) -> tuple[str, ...]:
    """A path's parts without its root: of this computer or another, and in one form of accents."""
    written = unicodedata.normalize("NFC", text).replace("\\", "/")
    return tuple(part for part in re.sub("^[A-Za-z]:/", "/", written).split("/") if part not in ("", "."))


def _alike(parts: tuple[str, ...], case: bool, extension: bool) -> tuple[str, ...]:
    if extension and parts:
        parts = (*parts[:-1], EXTENSION.sub("", parts[-1]) or parts[-1])
    return tuple(part.casefold() for part in parts) if case else parts


def common_end(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """How many parts two paths have in common, from their end."""
    number = 0
    for a, b in zip(reversed(first), reversed(second), strict=False):
        if a != b:
            break
        number += 1
    return number


def _grouped(rows: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for key, image in rows:
        found[key].append(image)
    return dict(found)
