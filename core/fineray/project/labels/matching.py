"""The rows of a table and the images that they mean: by a key, by what stands beside it, and by rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fineray.project.labels.beside import TITLES, Attribute, Beside
from fineray.project.labels.keys import OF_SEVERAL, Found, KeyKind, Keys, Rule
from fineray.project.labels.table import Table
from fineray.project.patients.identify import kept_rule
from fineray.project.project import Project

PARTED = ("issuer", "site", "source")  # what parts equal IDs, where the user was asked
ATTRIBUTES: tuple[Attribute, ...] = ("laterality", "view_position", "study_date")


@dataclass(frozen=True)
class Match:
    """A row's images. entry: the key as written; problem: why it has none, where not simply that none is found; as_:
    how the key stands in the project where a rule found it; beside: what stands beside the key, as written."""

    line: int
    entry: str
    images: tuple[int, ...] = ()
    problem: str = ""
    as_: str = ""
    beside: str = ""


@dataclass(frozen=True)
class Matcher:
    """What decides which images the rows mean."""

    project: Project
    keys: Keys
    table: Table
    column: str
    kind: KeyKind
    beside: tuple[Beside, ...] = ()

    def matches(self, rules: frozenset[Rule]) -> list[Match]:
        """Each row's images, in the order of the rows."""
        find = self.keys.finder(self.kind)
        entries = self.table.cells(self.column)
        found = [find(entry, rules) if entry else Found() for entry in entries]
        if "path" in rules:
            _longest_alone(entries, found)
        stated = self._stated() if self.beside else {}
        lone = self._lone() if self.beside else frozenset()
        patients = self._parted_patients()
        matches = []
        for at, (line, entry) in enumerate(zip(self.table.lines, entries, strict=True)):
            more = " ".join(cell for each in self.beside if (cell := self.table.rows[at][each.column]))
            match = Match(line, entry, found[at].images, _problem(found[at], self.kind), found[at].as_, more)
            if (line, self.column) in self.table.rounded:
                match = replace(match, images=(), problem="is a long number that a spreadsheet cut to 15 digits")
            elif match.images:
                match = self._of_one_person(self._narrowed(match, at, stated, lone), patients)
            matches.append(match)
        return _told_apart(matches)

    def more(self, rules: frozenset[Rule], matches: Sequence[Match], labelled: Sequence[bool]) -> dict[Rule, int]:
        """By rule, how many rows with a label it matches more: one that is on against without it, another with it.

        matches: those with `rules`.
        """
        now, find = _matched(matches, labelled), self.keys.finder(self.kind)
        missed = {each.entry for each, wanted in zip(matches, labelled, strict=True) if wanted and not each.images}
        more = {}
        for rule in applicable(self.kind):
            if rule in rules:
                more[rule] = now - _matched(self.matches(rules - {rule}), labelled)
            elif any(find(entry, rules | {rule}).images for entry in missed):
                more[rule] = _matched(self.matches(rules | {rule}), labelled) - now
            else:
                more[rule] = 0
        return more

    def _narrowed(self, match: Match, at: int, stated: dict[Attribute, dict[int, str]], lone: frozenset[str]) -> Match:
        """Of a row's images those that have what stands beside its key."""
        images = match.images
        for each in self.beside:
            wanted = each.wanted[at]
            if wanted is None:
                continue
            values = stated[each.attribute]
            fitting = tuple(image for image in images if values[image] in wanted)
            if fitting:
                images = fitting
            elif any(values[image] for image in images):
                return replace(match, images=(), problem=f"none of its images has that {TITLES[each.attribute]}")
            elif len(images) > 1 or match.entry not in lone:
                return replace(match, images=(), problem=f"its images do not state the {TITLES[each.attribute]}")
        return replace(match, images=images)

    def _of_one_person(self, match: Match, patients: dict[int, int]) -> Match:
        """An ID that the project knows to be that of several people names none of them."""
        if len({patients.get(image, 0) for image in match.images}) < 2:
            return match
        return replace(match, images=(), problem="is the ID of several patients, of different institutions or issuers")

    def _parted_patients(self) -> dict[int, int]:
        """Image -> patient, where one ID may stand for several people."""
        if self.kind != "patient_id" or kept_rule(self.project).apart_by not in PARTED:
            return {}
        return dict(self.project.db.execute("SELECT id, patient_id FROM image"))

    def _stated(self) -> dict[Attribute, dict[int, str]]:
        rows = self.project.db.execute("SELECT id, laterality, view_position, study_date FROM image").fetchall()
        return {name: {row[0]: row[at] for row in rows} for at, name in enumerate(ATTRIBUTES, start=1)}

    def _lone(self) -> frozenset[str]:
        """Entries that stand in one row alone."""
        seen: dict[str, int] = defaultdict(int)
        for entry in self.table.cells(self.column):
            seen[entry] += 1
        return frozenset(entry for entry, number in seen.items() if number == 1)


def applicable(kind: KeyKind) -> tuple[Rule, ...]:
    """The rules that can say something of such a key."""
    if kind in ("file", "folder"):
        return ("case", "extension", "path") if kind == "file" else ("case", "path")
    if kind in ("patient_id", "accession_number"):
        return ("zeros", "decimal", "case")
    return ()


def several_sides(project: Project, matches: Sequence[Match], kind: KeyKind) -> list[int]:
    """Numbers of rows that mean images of both sides of a patient."""
    if kind not in OF_SEVERAL:
        return []
    side = dict(project.db.execute("SELECT id, laterality FROM image"))
    return [each.line for each in matches if {"L", "R"} <= {side[image] for image in each.images}]


def several_sites(project: Project, matches: Sequence[Match]) -> list[int]:
    """Numbers of rows that mean images of several institutions."""
    site = dict(project.db.execute("SELECT id, site_hash FROM image"))
    return [each.line for each in matches if len({site[image] for image in each.images} - {""}) > 1]


def _problem(found: Found, kind: KeyKind) -> str:
    if not found.ambiguous:
        return ""
    if kind in ("file", "folder"):
        what = "imported files" if kind == "file" else "folders"
        return f"fits several {what}; write more of the path"
    if kind == "sop_instance_uid":
        return "stands for several images"
    return f"fits several by the rules: {found.as_}"


def _longest_alone(entries: Sequence[str], found: list[Found]) -> None:
    """Where rows agree with one file by ends of their paths, only those with the longest end mean it."""
    longest: dict[tuple[int, ...], int] = {}
    names: dict[str, set[str]] = defaultdict(set)
    for entry, each in zip(entries, found, strict=True):
        if each.images:
            longest[each.images] = max(longest.get(each.images, 0), each.common)
            names[_name(entry)].add(entry)
    for at, each in enumerate(found):
        # A name alone says nothing where several rows have it: film.dcm of folder 1 is not film.dcm of folder 2.
        vague = each.as_ and each.common == 1 and len(names[_name(entries[at])]) > 1
        if each.images and (each.common < longest[each.images] or vague):
            found[at] = Found()


def _name(entry: str) -> str:
    return entry.replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()


def _told_apart(matches: list[Match]) -> list[Match]:
    """By rules two entries may come to mean one image; which of them it is, nobody knows."""
    written: dict[int, set[str]] = defaultdict(set)
    for match in matches:
        for image in match.images:
            written[image].add(match.entry)
    by_rule = {image for match in matches if match.as_ for image in match.images}
    contested = {image for image in by_rule if len(written[image]) > 1}
    if not contested:
        return matches
    told = []
    for match in matches:
        shared = contested.intersection(match.images)
        others = sorted({entry for image in shared for entry in written[image]} - {match.entry})
        if shared and match.as_:
            match = replace(match, images=(), problem=f"means by the rules what “{others[0]}” means, too")
        told.append(match)
    return told


def _matched(matches: Sequence[Match], labelled: Sequence[bool]) -> int:
    return sum(bool(each.images) and has_label for each, has_label in zip(matches, labelled, strict=True))
