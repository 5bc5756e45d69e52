"""Chest radiographs: NIH ChestX-ray14, CheXpert, MIMIC-CXR-JPG, PadChest, VinDr-CXR, RSNA pneumonia.

Layouts as of the papers and read-me files: Wang 2017 (arXiv 1705.02315), Irvin 2019 (1901.07031), Johnson 2019
(1901.07042), Bustos 2020 (1901.07441), Nguyen 2022 (2012.15029), Shih 2019 (doi 10.1148/ryai.2019180041).
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from fineray.label_values import multi_value
from fineray.project.layouts.published import (
    PARTS,
    PRESENT,
    Layout,
    LayoutUnusable,
    Listing,
    Part,
    Published,
    PublishedImage,
    columns_of,
    findings,
    rows_of,
    sex_term,
    view_term,
    years,
)

FINDINGS = "findings"
NOTHING = ("no finding", "normal", "")


def _table(found: Path | None, name: str) -> Path:
    if found is None:
        raise LayoutUnusable(f"The table {name} is not in the folder", todo="Put it beside the images as published.")
    return found


def _column(row: dict[str, str], *starts: str) -> str:
    """The cell of the first column whose name starts so; editions name columns differently."""
    for start in starts:
        for name, cell in row.items():
            if name and name.lower().startswith(start):
                return (cell or "").strip()
    return ""


def _nih(found: Listing) -> Published:
    parts: dict[str, Part] = {}
    for path in found.tables:
        if path.name in ("train_val_list.txt", "test_list.txt"):
            part: Part = "test" if path.name.startswith("test") else "training"
            parts |= dict.fromkeys(path.read_text("utf-8").split(), part)
    images = []
    for row in rows_of(_table(found.table("data_entry"), "Data_Entry_2017.csv")):
        named = [each.strip() for each in row["Finding Labels"].split("|")]
        images.append(
            PublishedImage(
                row["Image Index"],
                {FINDINGS: multi_value({each: True for each in named if each.lower() not in NOTHING})},
                patient=row["Patient ID"].strip(),
                part=parts.get(row["Image Index"], ""),
                view=view_term(row.get("View Position", "")),
                sex=sex_term(_column(row, "patient gender", "patient sex")),
                age=years(_column(row, "patient age")),
            )
        )
    notes = ("Findings were mined from reports by a program.",)
    return Published(tuple(images), {FINDINGS: "multi"}, notes)


def _chexpert(found: Listing) -> Published:
    images, blank = [], 0
    for table in found.tables:
        if table.suffix != ".csv" or "Path" not in (columns := columns_of(table)):
            continue
        marked = [name for name in columns[columns.index("AP/PA") + 1 :] if name != "No Finding"]
        for row in rows_of(table):
            parts = PurePosixPath(row["Path"]).parts
            patient = next((part for part in parts if part.startswith("patient")), "")
            blank += not any(row[name] for name in (*marked, "No Finding"))
            frontal = row.get("Frontal/Lateral", "").strip() == "Frontal"
            images.append(
                PublishedImage(
                    "/".join(parts),
                    {FINDINGS: findings((name, row[name]) for name in marked)},
                    patient=patient,
                    part=next((PARTS[part] for part in parts if part in PARTS), ""),
                    view=view_term(row.get("AP/PA", "")) if frontal else "LATERAL",
                    sex=sex_term(row.get("Sex", "")),
                    age=years(row.get("Age", "")),
                )
            )
    notes = ["-1 is taken as doubtful, an empty cell as absent.", "Findings were mined from reports by a program."]
    if blank:
        notes.append(f"{blank:,} rows say nothing of any finding, “No Finding” included; they count as without one.")
    return Published(tuple(images), {FINDINGS: "multi"}, tuple(notes))


def _mimic(found: Listing) -> Published:
    of_study = {}
    told = found.table("mimic-cxr", "chexpert") or found.table("mimic-cxr", "negbio")
    labels = _table(told, "mimic-cxr-…-chexpert.csv")
    marked = [name for name in columns_of(labels)[2:] if name != "No Finding"]
    for row in rows_of(labels):
        of_study[row["study_id"]] = findings((name, row[name]) for name in marked)
    split = found.table("mimic-cxr", "split")
    part_of = {row["dicom_id"]: PARTS.get(row["split"], "") for row in rows_of(split)} if split else {}
    images, silent = [], 0
    for row in rows_of(_table(found.table("mimic-cxr", "metadata"), "mimic-cxr-…-metadata.csv")):
        value = of_study.get(row["study_id"], "")
        silent += not value
        images.append(
            PublishedImage(
                f"p{row['subject_id']}/s{row['study_id']}/{row['dicom_id']}",
                {FINDINGS: value},
                patient=row["subject_id"],
                part=part_of.get(row["dicom_id"], ""),
                view=view_term(row.get("ViewPosition", "")),
            )
        )
    notes = ["-1 is taken as doubtful, an empty cell as absent.", "Findings are those of the report of the study."]
    if silent:
        notes.append(f"{silent:,} images are of studies without labels.")
    return Published(tuple(images), {FINDINGS: "multi"}, tuple(notes))


def _padchest(found: Listing) -> Published:
    images, excluded = [], 0
    for row in rows_of(_table(found.table("padchest"), "PADCHEST_chest_x_ray_images_labels_….csv")):
        try:
            named = [str(each).strip() for each in ast.literal_eval(row["Labels"] or "[]")]
        except (ValueError, SyntaxError):
            named = ["exclude"]
        value = multi_value({each: True for each in named if each.lower() not in NOTHING})
        if "exclude" in named or not named:
            excluded, value = excluded + 1, ""
        born, taken = _column(row, "patientbirth"), row.get("StudyDate_DICOM", "")
        age = int(taken[:4]) - float(born) if born and taken[:4].isdecimal() else None
        images.append(
            PublishedImage(
                row["ImageID"],
                {FINDINGS: value},
                patient=row["PatientID"].strip(),
                view=view_term(row.get("Projection", "") or row.get("ViewPosition_DICOM", "")),
                sex=sex_term(_column(row, "patientsex")),
                age=age if age is not None and 0 <= age <= 120 else None,
            )
        )
    notes = ["Part of the findings were mined from reports by a program (column MethodLabel)."]
    if excluded:
        notes.append(f"{excluded:,} rows have no findings or say “exclude”: they get no label.")
    return Published(tuple(images), {FINDINGS: "multi"}, tuple(notes))


def _vindr(found: Listing) -> Published:
    """One row a reader and image; where readers differ the majority decides, and a minority leaves a doubt."""
    images: list[PublishedImage] = []
    for table in found.tables:
        if "image_id" not in (columns := columns_of(table) if table.suffix == ".csv" else []):
            continue
        if "class_name" in columns:  # the challenge's table: one row a reader and box
            said = _boxes(rows_of(table))
        else:
            marked = [name for name in columns if name not in ("image_id", "rad_id")]
            said = defaultdict(list)
            for row in rows_of(table):
                said[row["image_id"]].append({name for name in marked if row[name].strip() in (PRESENT, "1.0")})
        part: Part = "test" if "test" in table.stem else "training"
        images += [PublishedImage(name, {FINDINGS: _majority(readers)}, part=part) for name, readers in said.items()]
    return Published(
        tuple(images),
        {FINDINGS: "multi"},
        (
            "Where several radiologists read an image, the majority counts; a finding of a minority is doubtful.",
            "The collection names no patients: each image stands for itself, and a patient may be on two sides.",
        ),
    )


def _boxes(rows: Iterable[dict[str, str]]) -> dict[str, list[set[str]]]:
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        found[row["image_id"]][row.get("rad_id", "")].add(row["class_name"].strip())
    return {image: list(readers.values()) for image, readers in found.items()}


def _majority(readers: list[set[str]]) -> str:
    named = {name for each in readers for name in each if name.lower() not in NOTHING}
    votes = {name: sum(name in each for each in readers) for name in named}
    return multi_value({name: 2 * number > len(readers) for name, number in votes.items()})


def _rsna(found: Listing) -> Published:
    target: dict[str, str] = {}
    for row in rows_of(_table(found.table("train_labels"), "stage_2_train_labels.csv")):
        if target.get(row["patientId"]) != "pneumonia":
            target[row["patientId"]] = "pneumonia" if row["Target"].strip() == PRESENT else "no pneumonia"
    detail = found.table("detailed_class_info")
    classes = {row["patientId"]: row["class"].strip() for row in rows_of(detail)} if detail else {}
    images = []
    for name, value in target.items():
        labels = {"pneumonia": value, **({"class": classes[name]} if name in classes else {})}
        images.append(PublishedImage(name, labels, patient=name))
    return Published(
        tuple(images),
        {"pneumonia": "single", **({"class": "single"} if classes else {})},
        ("The collection has one image a patient ID; images of one person (NIH ChestX-ray14) may bear several.",),
    )


CHEST = (
    Layout("nih", "NIH ChestX-ray14", lambda found: found.table("data_entry") is not None, _nih),
    Layout(
        "mimic",
        "MIMIC-CXR-JPG",
        lambda found: found.table("mimic-cxr", "metadata") is not None,
        _mimic,
    ),
    Layout(
        "chexpert",
        "CheXpert",
        lambda found: (
            any(re.match("patient[0-9]+$", part) for path in found.images[:50] for part in path.parts)
            and any(path.suffix == ".csv" and {"Path", "AP/PA"} <= set(columns_of(path)) for path in found.tables)
        ),
        _chexpert,
    ),
    Layout("padchest", "PadChest", lambda found: found.table("padchest") is not None, _padchest),
    Layout(
        "vindr",
        "VinDr-CXR",
        lambda found: any(
            path.suffix == ".csv" and {"image_id", "rad_id"} <= set(columns_of(path)) for path in found.tables
        ),
        _vindr,
    ),
    Layout("rsna", "RSNA pneumonia challenge", lambda found: found.table("stage_2", "train_labels") is not None, _rsna),
)
