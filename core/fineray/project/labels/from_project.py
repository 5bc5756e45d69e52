"""Labels from what a project knows itself: folder names, attributes, findings of another label set."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

from fineray.dicom.location import shown
from fineray.label_values import UNCERTAIN, LabelSetUnusable, findings_of
from fineray.project.attributes import NOT_STATED, attribute_names, attribute_values, raw_values
from fineray.project.label_sets import active_label_set, label_set, values_of
from fineray.project.labels.outcome import Entry, LabelPreview, preview_of, sorted_out, target_of
from fineray.project.labels.table import LabelFileUnusable
from fineray.project.layouts.published import PARTS
from fineray.project.project import Project


def preview_folders(project: Project, into: str = "") -> LabelPreview:
    """Take each file's label from the folder below the imported one (or below what several have in common).

    Raises LabelFileUnusable where this workstation does not know the files.
    """
    files: dict[str, list[int]] = defaultdict(list)
    for path_hash, image in project.db.execute(
        "SELECT path_hash, image_id FROM image_file JOIN file USING (path_hash) WHERE status = 'imported'"
    ):
        files[path_hash].append(image)
    sources = [source for source in project.sources.all() if source.path_hash in files]
    if not sources:
        raise LabelFileUnusable(
            "The places of the imported files are not known on this computer",
            todo="Import the folders again on this computer; only the places are read anew.",
        )
    top = Path(os.path.commonpath([source.root for source in sources]))
    below = [tuple(map(shown, source.location.parts[len(top.parts) :])) for source in sources]
    parts = sorted({each[0] for each in below if len(each) > 1 and each[0].casefold() in PARTS})
    # Where all lie in train, val and test with folders below, these are the classes.
    level = int(bool(parts) and all(len(each) > 2 and each[0] in parts for each in below))
    entries = [
        Entry("/".join(each), each[level] if len(each) > level + 1 else "", tuple(files[source.path_hash]))
        for each, source in zip(below, sources, strict=True)
    ]
    notes = [f"{', '.join(parts)}: parts of a split, not classes; the folders below them are the labels."] * level
    target = target_of(project, into or active_label_set(project).name)
    return preview_of(project, f"folders below {top.name}", target, sorted_out(entries), notes)


def preview_attribute(project: Project, name: str, into: str = "", cut: float | None = None) -> LabelPreview:
    """Labels by an attribute of the images (fineray.project.attributes); `cut` makes two classes of the age.

    Images that do not state it stay without a label. Raises NoSuchAttribute.
    """
    values = attribute_values(project, name)
    title = attribute_names(project)[name]
    if name == "age_years" and cut is not None:
        ages = {image: age for image, (age,) in raw_values(project, ["age_years"]).items()}
        values = {
            image: NOT_STATED if age is None else f"{'under' if age < cut else 'from'} {cut:g}"
            for image, age in ages.items()
        }
    stated = {image: "" if value == NOT_STATED else value for image, value in values.items()}
    return preview_of(project, title, target_of(project, into or title.lower()), sorted_out(_each(stated)))


def preview_finding(project: Project, source: str, finding: str, into: str = "") -> LabelPreview:
    """One finding of a multi-label set as a question of its own: present, absent, or uncertain.

    Raises LabelSetUnusable.
    """
    chosen = label_set(project, source)
    if chosen.kind != "multi" or finding not in chosen.classes:
        raise LabelSetUnusable(
            f"The label set “{source}” has no finding “{finding}”", todo="Choose a set with several findings an image."
        )
    names = {True: finding, False: UNCERTAIN, None: f"no {finding}"}
    values = {image: names[findings_of(value).get(finding)] for image, value in values_of(project, chosen).items()}
    target = target_of(project, into or finding)
    return preview_of(project, f"“{finding}” in {source}", target, sorted_out(_each(values)))


def _each(values: dict[int, str]) -> list[Entry]:
    return [Entry(str(image), value, (image,)) for image, value in values.items()]
