"""Taking over what a published collection says: patients, labels, views and the published split, by image."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fineray.errors import nearest
from fineray.label_values import NO_FINDING, UNCERTAIN, Kind, classes_in
from fineray.project.attributes import state_attributes
from fineray.project.changes import set_labels
from fineray.project.label_sets import add_label_set, label_sets, use_label_set
from fineray.project.labels.keys import common_end
from fineray.project.layouts.chest import CHEST
from fineray.project.layouts.other import OTHER
from fineray.project.layouts.published import Layout, LayoutUnusable, Listing, Published, PublishedImage, listing
from fineray.project.patients.identify import identify_patients, unidentified_images
from fineray.project.patients.rule import PatientRule
from fineray.project.project import Project

LAYOUTS = {each.name: each for each in (*CHEST, *OTHER)}
GUESS = "guess"
SPLIT = "published split"
SHOWN = 10


@dataclass(frozen=True)
class LayoutPreview:
    """What a folder would bring, by its files alone.

    matched: entries of its tables with a file; unmatched: those without, the first few by name; silent: files of images
    that no table names; ambiguous: entries that several files fit; patients: named by the tables, 0 where they name
    none; classes: label set -> class -> images; parts: images by part of the published split.
    """

    name: str
    title: str
    folder: Path
    matched: int
    unmatched: int
    unmatched_examples: tuple[str, ...]
    silent: int
    ambiguous: int
    patients: int
    classes: dict[str, dict[str, int]]
    parts: dict[str, int]
    notes: tuple[str, ...]

    def in_words(self, most_classes: int | None = None) -> list[str]:
        """What would come over, a sentence each, without the notes; of a label set at most so many classes by name."""
        patients = f"{self.patients:,} patients" if self.patients else "no patients"
        lines = [f"The tables name {patients} and {self.matched:,} images that are in the folder."]
        for into, classes in self.classes.items():
            told = [f"{name} {count:,}" for name, count in list(classes.items())[:most_classes]]
            more = f" and {len(classes) - len(told):,} others" if len(classes) > len(told) else ""
            lines.append(f"Label set “{into}”: {', '.join(told)}{more}.")
        if self.parts:
            parts = ", ".join(f"{part} {count:,}" for part, count in self.parts.items())
            lines.append(f"Published split, kept as a label set: {parts}.")
        examples = f", such as {self.unmatched_examples[0]}" if self.unmatched_examples else ""
        for count, text in (
            (self.unmatched, f"Entries without a file here{examples}"),
            (self.silent, "Files that no table names, and that get no label"),
            (self.ambiguous, "Entries that fit several files, and give nothing"),
        ):
            if count:
                lines.append(f"{text}: {count:,}.")
        return lines


@dataclass(frozen=True)
class Taken:
    """What was taken over. labelled: label set -> images; patients: of the whole project now; without: images of the
    project that the tables say nothing of."""

    name: str
    labelled: dict[str, int]
    patients: int
    without: int


def guess_layout(folder: Path) -> Layout | None:
    """The layout that a folder looks like, the most particular first; None where it looks like none."""
    return _guess(listing(folder))


def preview_layout(folder: Path, name: str = GUESS) -> LayoutPreview:
    """Say what a folder's tables hold, and how many of its files they name. Raises LayoutUnusable."""
    layout, found, published = _read(folder, name)
    files = [(found.inside(path), str(path)) for path in found.images]
    fitting, ambiguous = _fitting(published.images, files)
    named = {each for images in fitting.values() for each in images}
    missing = [each.file for number, each in enumerate(published.images) if each.file and number not in fitting]
    classes: dict[str, Counter[str]] = defaultdict(Counter)
    for each in published.images:
        for into, value in each.labels.items():
            if value and value != UNCERTAIN:
                classes[into].update(classes_in(published.kinds[into], value) or (NO_FINDING,))
    return LayoutPreview(
        layout.name,
        layout.title,
        folder,
        matched=len(fitting),
        unmatched=len(missing) - ambiguous,
        unmatched_examples=tuple(missing[:SHOWN]),
        silent=len(files) - len(named),
        ambiguous=ambiguous,
        patients=len({each.patient for each in published.images if each.patient}),
        classes={into: dict(counted.most_common()) for into, counted in classes.items()},
        parts=dict(Counter(each.part for each in published.images if each.part)),
        notes=published.notes,
    )


def take_layout(project: Project, folder: Path, name: str = GUESS) -> Taken:
    """Take over what the tables of an imported folder say. Patients come first: nothing is split before they are known.

    Raises LayoutUnusable where no image of the project is named.
    """
    layout, _, published = _read(folder, name)
    told = _of_images(project, folder.resolve(), published.images)
    if not told:
        raise LayoutUnusable(
            "The tables name no image of this project", where=folder.name, todo="Import the folder itself first."
        )
    named = {image: each.patient or None for image, each in told.items()}
    if any(named.values()):
        identify_patients(project, PatientRule("table"), named)
    elif set(unidentified_images(project)) & set(told):
        identify_patients(project, PatientRule("image"))
    labelled = {into: _label(project, into, kind, told) for into, kind in published.kinds.items()}
    parts = {image: str(each.part) for image, each in told.items() if each.part}
    if parts:
        _put(project, SPLIT, "single", parts)
    state_attributes(
        project,
        {
            image: {"view_position": each.view, "sex": each.sex, "laterality": each.laterality, "age_years": each.age}
            for image, each in told.items()
        },
    )
    first = next((into for into, images in labelled.items() if images), None)
    if first is not None:
        use_label_set(project, first)
    (patients,) = project.db.execute("SELECT count(DISTINCT patient_id) FROM image").fetchone()
    (images,) = project.db.execute("SELECT count(*) FROM image").fetchone()
    return Taken(layout.name, labelled, patients, images - len(told))


def _guess(found: Listing) -> Layout | None:
    return next((each for each in LAYOUTS.values() if _looks_like(each, found)), None)


def _looks_like(layout: Layout, found: Listing) -> bool:
    try:
        return layout.looks_like(found)
    except (OSError, ValueError):  # a table that cannot be read belongs to none
        return False


def _read(folder: Path, name: str) -> tuple[Layout, Listing, Published]:
    found = listing(folder)
    layout = _guess(found) if name == GUESS else LAYOUTS.get(name)
    if layout is None and name == GUESS:
        raise LayoutUnusable(
            "The folder looks like no published collection that Fineray knows",
            where=folder.name,
            todo=f"Import it, and give labels by a table or by folders. Known are {', '.join(LAYOUTS)}.",
        )
    if layout is None:
        todo = nearest(name, LAYOUTS, f"Known are {', '.join(LAYOUTS)}.")
        raise LayoutUnusable(f"There is no layout “{name}”", todo=todo)
    try:
        return layout, found, layout.read(found)
    except (KeyError, UnicodeDecodeError, AttributeError, IndexError, TypeError) as error:
        raise LayoutUnusable(
            f"The tables are not those of {layout.title} as published",
            where=folder.name,
            todo="Compare their names and columns with the published ones, or give labels by a table.",
        ) from error


def _of_images(project: Project, folder: Path, entries: tuple[PublishedImage, ...]) -> dict[int, PublishedImage]:
    """Image id -> the entry of it. Entries without a file are of a patient and a side."""
    places = {source.path_hash: source.location for source in project.sources.all()}
    files = []
    for path_hash, image in project.db.execute("SELECT path_hash, image_id FROM image_file ORDER BY image_id"):
        place = places.get(path_hash)
        if place is not None and place.parts[: len(folder.parts)] == folder.parts:
            files.append((place.parts[len(folder.parts) :], str(image)))
    fitting, _ = _fitting(entries, files)
    told = {int(image): entries[number] for number, images in fitting.items() for image in images}
    sides = {
        (project.keyed_hash("patient:" + each.patient), each.laterality): each for each in entries if not each.file
    }
    if sides:
        for image, stated, side in project.db.execute("SELECT id, stated_hash, laterality FROM image"):
            if (stated, side) in sides:
                told[image] = sides[stated, side]
    return told


def _fitting(
    entries: Iterable[PublishedImage], files: Iterable[tuple[tuple[str, ...], str]]
) -> tuple[dict[int, tuple[str, ...]], int]:
    """(number of the entry -> the files whose path has the longest end in common with it, entries that several unlike
    paths fit as well). Endings of names do not count: collections are converted, and some name no ending at all."""
    by_stem: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for parts, what in files:
        bare = (*parts[:-1], PurePosixPath(parts[-1]).stem)
        by_stem[bare[-1]].append((bare, what))
    found, ambiguous = {}, 0
    for number, each in enumerate(entries):
        if not each.file:
            continue
        path = PurePosixPath(each.file)
        wanted = (*path.parts[:-1], path.stem)
        fits = by_stem.get(wanted[-1]) or by_stem.get(path.name, [])
        if not fits:
            continue
        fits = [(parts, what) for parts, what in fits if _same_path(parts, wanted)]
        most = max((common_end(parts, wanted) for parts, _ in fits), default=0)
        best = [(parts, what) for parts, what in fits if common_end(parts, wanted) == most]
        if not best:
            continue
        if len({parts for parts, _ in best}) > 1:
            ambiguous += 1
            continue
        found[number] = tuple(what for _, what in best)
    return found, ambiguous


def _same_path(one: tuple[str, ...], two: tuple[str, ...]) -> bool:
    """Whether the shorter of two paths is the end of the longer one; but for its first folder, which is renamed often,
    where two folders at least remain."""
    shorter = min(len(one), len(two))
    return common_end(one, two) >= (shorter - 1 if shorter > 3 else shorter)


def _label(project: Project, into: str, kind: Kind, told: Mapping[int, PublishedImage]) -> int:
    values = {image: each.labels[into] for image, each in told.items() if each.labels.get(into)}
    if values:
        _put(project, into, kind, values)
    return len(values)


def _put(project: Project, into: str, kind: Kind, values: dict[int, str]) -> None:
    known = {each.name: each for each in label_sets(project)}
    if into in known and known[into].kind != kind:
        into = f"{into} (published)"
    target = known.get(into) or add_label_set(project, into, kind)
    set_labels(project, values, f"Labels for {len(values):,} images", target.id)
