"""Bones, breasts, and forms in which any collection may come: MURA, CMMD, folder trees, COCO, FiftyOne.

Rajpurkar 2018 (arXiv 1712.06957); Cui 2021 (doi 10.7937/tcia.eqde-4b16); COCO (cocodataset.org, format of captions and
detections, of which the classes alone are taken); FiftyOneImageClassificationDataset (its documentation).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

from fineray.label_values import multi_value
from fineray.project.labels.table_file import read_table
from fineray.project.layouts.published import (
    PARTS,
    Layout,
    LayoutUnusable,
    Listing,
    Part,
    Published,
    PublishedImage,
    years,
)

LABEL = "label"
_MURA_STUDY = re.compile("study[0-9]+_(positive|negative)")


def _mura(found: Listing) -> Published:
    """A study's folder says what it is, as its table does; the region is the folder above the patient."""
    told: dict[tuple[str, ...], str] = {}
    for table in found.tables:
        if table.name.endswith("labeled_studies.csv"):
            for line in table.read_text("utf-8").splitlines():
                folder, _, mark = line.rpartition(",")
                told[PurePosixPath(folder).parts[-3:]] = {"1": "abnormal", "0": "normal"}.get(mark.strip(), "")
    images = []
    for path in found.images:
        inside = found.inside(path)
        if len(inside) < 4:
            continue
        part, region, patient, study = inside[-5] if len(inside) > 4 else "", *inside[-4:-1]
        named = _MURA_STUDY.fullmatch(study)
        label = told.get((region, patient, study)) or (
            {"positive": "abnormal", "negative": "normal"}[named[1]] if named else ""
        )
        images.append(
            PublishedImage(
                "/".join(inside),
                {LABEL: label, "region": region.removeprefix("XR_").lower()},
                patient=patient,
                part=PARTS.get(part, ""),
            )
        )
    return Published(
        tuple(images),
        {LABEL: "single", "region": "single"},
        ("A label is that of the whole study.", "A patient of the same number is the same one in every region."),
    )


def _cmmd(found: Listing) -> Published:
    """A row a breast; images state patient and side. The side is a key: the other breast gets no label of this one."""
    table = found.table("cmmd", "clinical")
    assert table is not None
    of_breast: dict[tuple[str, str], tuple[set[str], float | None]] = defaultdict(lambda: (set(), None))
    for written in read_table(table).rows:
        row = {name.casefold(): cell for name, cell in written.items()}
        key = (row["id1"].strip(), row["leftright"].strip().upper()[:1])
        classes, age = of_breast[key]
        of_breast[key] = (classes | {row["classification"].strip().lower()}, years(row.get("age", "")) or age)
    images = []
    for (patient, side), (classes, age) in of_breast.items():
        value = "malignant" if "malignant" in classes else next(iter(classes))
        images.append(PublishedImage("", {LABEL: value}, patient=patient, laterality=side, age=age))
    several = sum(len(classes) > 1 for classes, _ in of_breast.values())
    notes = ["A label is that of the breast; every view of it gets it."]
    if several:
        notes.append(f"{several:,} breasts have lesions of both kinds and count as malignant.")
    return Published(tuple(images), {LABEL: "single"}, tuple(notes))


def _part_of(parts: tuple[str, ...]) -> tuple[Part, int]:
    """(the published part, how many folders lie above the classes)."""
    for number, name in enumerate(parts[:-2]):
        if name.lower() in PARTS:
            return PARTS[name.lower()], number + 1
    return "", 0


def _is_tree(found: Listing) -> bool:
    """Whether every picture lies in the folder of a class inside that of a part, and there are two parts at least."""
    parts = set()
    for path in found.images:
        inside = found.inside(path)
        part, above = _part_of(inside)
        if not part or len(inside) != above + 2:
            return False
        parts.add(part)
    return len(parts) > 1


def _tree(found: Listing) -> Published:
    images, outside = [], 0
    for path in found.images:
        inside = found.inside(path)
        part, above = _part_of(inside)
        if len(inside) < above + 2:
            outside += 1
            continue
        person = re.match("person([0-9]+)", path.stem)
        patient = f"person{person[1]}" if person else ""
        images.append(PublishedImage("/".join(inside), {LABEL: inside[above]}, patient=patient, part=part))
    notes = ["Folders train, val and test are parts; the folders in them are classes."]
    if outside:
        notes.append(f"{outside:,} files lie in no folder of a class.")
    if not all(each.patient for each in images):
        count = sum(not each.patient for each in images)
        notes.append(f"{count:,} file names say nothing of a patient: each stands for itself.")
    return Published(tuple(images), {LABEL: "single"}, tuple(notes))


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LayoutUnusable("The table is no JSON", where=path.name, todo="Export the collection again.") from error
    return content if isinstance(content, dict) else {}


def _coco_tables(found: Listing) -> list[tuple[Path, dict[str, Any]]]:
    jsons = [(path, _json(path)) for path in found.tables if path.suffix == ".json" and path.stat().st_size < 500e6]
    return [(path, each) for path, each in jsons if {"images", "annotations", "categories"} <= set(each)]


def _coco(found: Listing) -> Published:
    images = []
    for path, table in _coco_tables(found):
        names = {each["id"]: str(each["name"]) for each in table["categories"]}
        there: dict[Any, set[str]] = defaultdict(set)
        for each in table["annotations"]:
            there[each["image_id"]].add(names[each["category_id"]])
        part: Part = next((PARTS[word] for word in re.split("[^a-z]+", path.stem.lower()) if word in PARTS), "")
        for each in table["images"]:
            value = multi_value(dict.fromkeys(there[each["id"]], True))
            images.append(PublishedImage(str(each["file_name"]), {"findings": value}, part=part))
    note = "An image without an annotation counts as without a finding; boxes and outlines are not taken over."
    return Published(tuple(images), {"findings": "multi"}, (note,))


def _fiftyone_table(found: Listing) -> Path | None:
    for path in found.tables:
        if path.name == "labels.json" and {"classes", "labels"} <= set(_json(path)):
            return path
    return None


def _fiftyone(found: Listing) -> Published:
    path = _fiftyone_table(found)
    assert path is not None
    table = _json(path)
    classes, images, blank = table["classes"], [], 0
    for name, target in table["labels"].items():
        label = target.get("label") if isinstance(target, dict) else target
        text = str(classes[label]) if isinstance(label, int) and classes else "" if label is None else str(label)
        blank += not text
        images.append(PublishedImage(name, {LABEL: text}))
    notes = (f"{blank:,} images have no label.",) if blank else ()
    return Published(tuple(images), {LABEL: "single"}, notes)


def _is_mura(found: Listing) -> bool:
    return any(path.name.endswith("labeled_studies.csv") for path in found.tables) or any(
        _MURA_STUDY.fullmatch(path.parent.name) for path in found.images[:200]
    )


OTHER = (
    Layout("mura", "MURA", _is_mura, _mura),
    Layout("cmmd", "CMMD (breast)", lambda found: found.table("cmmd", "clinical") is not None, _cmmd),
    Layout("coco", "COCO", lambda found: bool(_coco_tables(found)), _coco),
    Layout("fiftyone", "FiftyOne image classification", lambda found: _fiftyone_table(found) is not None, _fiftyone),
    Layout("tree", "Folders train, val, test with a folder a class", _is_tree, _tree),
)
