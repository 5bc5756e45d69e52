"""Published collections in small replicas of their folders and tables, and what a project should know of them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from openpyxl import Workbook
from PIL import Image

from tests.support.images import write_image


def png(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(list(str(path).encode()))
    Image.fromarray(random.integers(0, 255, (24, 24), dtype=np.uint8)).save(path.with_suffix(".png"))
    return path.with_suffix(".png")


def table(path: Path, *rows: Sequence[object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@dataclass
class Replica:
    """What the tables say, by the stem or end of a file's path. view: of some images; patients: file -> patient."""

    labels: dict[str, dict[str, str]]
    patients: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)


def nih(root: Path) -> Replica:
    rows = [
        ("00000001_000.png", "Cardiomegaly|Effusion", 0, 1, "058Y", "M", "PA"),
        ("00000001_001.png", "No Finding", 1, 1, "058Y", "M", "AP"),
        ("00000002_000.png", "Mass", 0, 2, "81", "F", "PA"),
        ("00000003_000.png", "No Finding", 0, 3, "414Y", "F", "PA"),
    ]
    header = [
        "Image Index",
        "Finding Labels",
        "Follow-up #",
        "Patient ID",
        "Patient Age",
        "Patient Gender",
        "View Position",
        "OriginalImage[Width",
        "Height]",
        "OriginalImagePixelSpacing[x",
        "y]",
        "",
    ]
    table(root / "Data_Entry_2017.csv", header, *[(*row, 2048, 2048, 0.14, 0.14, "") for row in rows])
    (root / "train_val_list.txt").write_text("00000001_000.png\n00000001_001.png\n")
    (root / "test_list.txt").write_text("00000002_000.png\n00000003_000.png\n")
    for number, row in enumerate(rows):
        png(root / f"images_{number % 2 + 1:03d}/images/{row[0]}")
    return Replica(
        {
            "findings": {
                "00000001_000": "Cardiomegaly|Effusion",
                "00000001_001": "none",
                "00000002_000": "Mass",
                "00000003_000": "none",
            }
        },
        {row[0][:-4]: str(row[3]) for row in rows},
        {"00000001_000": "training", "00000001_001": "training", "00000002_000": "test", "00000003_000": "test"},
        {"00000001_000": "PA", "00000001_001": "AP"},
    )


def chexpert(root: Path) -> Replica:
    names = ["No Finding", "Cardiomegaly", "Edema", "Support Devices"]
    header = ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *names]
    top = "CheXpert-v1.0-small"
    table(
        root / "train.csv",
        header,
        (f"{top}/train/patient00001/study1/view1_frontal.jpg", "Female", 68, "Frontal", "AP", "", "1.0", "-1.0", "0.0"),
        (f"{top}/train/patient00001/study2/view1_frontal.jpg", "Female", 68, "Frontal", "PA", "1.0", "", "", ""),
        (f"{top}/train/patient00001/study2/view2_lateral.jpg", "Female", 68, "Lateral", "", "1.0", "", "", ""),
        (f"{top}/train/patient00002/study1/view1_frontal.jpg", "Male", 87, "Frontal", "AP", "", "", "-1.0", "1.0"),
        (f"{top}/train/patient00077/study1/view1_frontal.jpg", "Male", 87, "Frontal", "AP", "", "1.0", "", ""),
    )
    table(
        root / "valid.csv",
        header,
        (f"{top}/valid/patient64541/study1/view1_frontal.jpg", "Male", 9, "Frontal", "AP", "", "0.0", "1.0", "0.0"),
    )
    for name in (
        "train/patient00001/study1/view1_frontal",
        "train/patient00001/study2/view1_frontal",
        "train/patient00001/study2/view2_lateral",
        "train/patient00002/study1/view1_frontal",
        "valid/patient64541/study1/view1_frontal",
    ):
        png(root / name)
    p1 = "patient00001/study"
    return Replica(
        {
            "findings": {
                f"{p1}1/view1_frontal": "Cardiomegaly|Edema?",
                f"{p1}2/view1_frontal": "none",
                f"{p1}2/view2_lateral": "none",
                "patient00002/study1/view1_frontal": "Edema?|Support Devices",
                "patient64541/study1/view1_frontal": "Edema",
            }
        },
        {f"{p1}1/view1_frontal": "1", f"{p1}2/view2_lateral": "1", "patient00002/study1/view1_frontal": "2"},
        {f"{p1}1/view1_frontal": "training", "patient64541/study1/view1_frontal": "validation"},
        {f"{p1}1/view1_frontal": "AP", f"{p1}2/view2_lateral": "LATERAL"},
    )


def mimic(root: Path) -> Replica:
    images = [
        (10000032, 50414267, "02aa804e-bde0afdd", "PA", "train"),
        (10000032, 50414267, "174413ec-4ec4c1f7", "LATERAL", "train"),
        (10000032, 53189527, "2a2277a9-b0ded155", "AP", "train"),
        (10000764, 57375967, "096052b7-d256dc40", "AP", "test"),
        (10000898, 50771383, "2a280266-c8bae121", "PA", "validate"),
    ]
    table(
        root / "mimic-cxr-2.0.0-metadata.csv.gz",
        ("dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition", "Rows"),
        *[(dicom, subject, study, "CHEST", view, 24) for subject, study, dicom, view, _ in images],
    )
    table(
        root / "mimic-cxr-2.0.0-split.csv.gz",
        ("dicom_id", "study_id", "subject_id", "split"),
        *[(dicom, study, subject, part) for subject, study, dicom, _, part in images],
    )
    table(
        root / "mimic-cxr-2.0.0-chexpert.csv",
        ("subject_id", "study_id", "Atelectasis", "Edema", "No Finding"),
        (10000032, 50414267, "1.0", "-1.0", ""),
        (10000032, 53189527, "", "", "1.0"),
        (10000764, 57375967, "", "1.0", ""),
    )
    for subject, study, dicom, _, _ in images:
        png(root / f"files/p10/p{subject}/s{study}/{dicom}")
    return Replica(
        {
            "findings": {
                "02aa804e-bde0afdd": "Atelectasis|Edema?",
                "174413ec-4ec4c1f7": "Atelectasis|Edema?",
                "2a2277a9-b0ded155": "none",
                "096052b7-d256dc40": "Edema",
            }
        },
        {dicom: str(subject) for subject, _, dicom, _, _ in images},
        {"02aa804e-bde0afdd": "training", "096052b7-d256dc40": "test", "2a280266-c8bae121": "validation"},
        {"174413ec-4ec4c1f7": "LATERAL"},
    )


def padchest(root: Path) -> Replica:
    header = [
        "",
        "ImageID",
        "ImageDir",
        "StudyDate_DICOM",
        "StudyID",
        "PatientID",
        "PatientBirth",
        "PatientSex_DICOM",
        "ViewPosition_DICOM",
        "Projection",
        "MethodLabel",
        "Labels",
    ]
    table(
        root / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv",
        header,
        (
            0,
            "20536686640136348236148679891455886468_k6ga29.png",
            0,
            20140915,
            "s1",
            "p1",
            1952.0,
            "F",
            "PA",
            "PA",
            "Physician",
            "['cardiomegaly', 'pleural effusion']",
        ),
        (
            1,
            "135803415504923515076821959678074435083_fzis7d.png",
            0,
            20150914,
            "s2",
            "p1",
            1952.0,
            "F",
            "LL",
            "L",
            "RNN_model",
            "['normal']",
        ),
        (
            2,
            "113855343774216031107737439268243531979_3k951l.png",
            0,
            20150914,
            "s3",
            "p2",
            1923.0,
            "M",
            "",
            "AP_horizontal",
            "RNN_model",
            "['exclude']",
        ),
    )
    names = [
        "20536686640136348236148679891455886468_k6ga29",
        "135803415504923515076821959678074435083_fzis7d",
        "113855343774216031107737439268243531979_3k951l",
    ]
    for name in names:
        png(root / f"0/{name}")
    return Replica(
        {"findings": {names[0]: "cardiomegaly|pleural effusion", names[1]: "none"}},
        {names[0]: "p1", names[1]: "p1", names[2]: "p2"},
        {},
        {names[0]: "PA", names[1]: "LATERAL", names[2]: "AP"},
    )


def vindr(root: Path) -> Replica:
    header = ["image_id", "rad_id", "Aortic enlargement", "Nodule/Mass", "No finding"]
    table(
        root / "annotations/image_labels_train.csv",
        header,
        *[("aaa", f"R{n}", 1, int(n == 1), 0) for n in (1, 2, 3)],
        *[("bbb", f"R{n}", 0, 0, 1) for n in (1, 2, 3)],
    )
    table(root / "annotations/image_labels_test.csv", ["image_id", *header[2:]], ("ccc", 0, 1, 0))
    for name, folder in (("aaa", "train"), ("bbb", "train"), ("ccc", "test")):
        write_image(root / f"{folder}/{name}.dicom", patient="", number=len(name) * ord(name[0]))
    return Replica(
        {"findings": {"aaa": "Aortic enlargement|Nodule/Mass?", "bbb": "none", "ccc": "Nodule/Mass"}},
        {"aaa": "1", "bbb": "2", "ccc": "3"},
        {"aaa": "training", "ccc": "test"},
    )


def rsna(root: Path) -> Replica:
    table(
        root / "stage_2_train_labels.csv",
        ("patientId", "x", "y", "width", "height", "Target"),
        ("a1", 1, 1, 9, 9, 1),
        ("a1", 20, 1, 9, 9, 1),
        ("b2", "", "", "", "", 0),
        ("c3", "", "", "", "", 0),
    )
    table(
        root / "stage_2_detailed_class_info.csv",
        ("patientId", "class"),
        ("a1", "Lung Opacity"),
        ("a1", "Lung Opacity"),
        ("b2", "Normal"),
        ("c3", "No Lung Opacity / Not Normal"),
    )
    for name in ("a1", "b2", "c3"):
        write_image(root / f"stage_2_train_images/{name}.dcm", patient=name, number=ord(name[0]))
    return Replica(
        {"pneumonia": {"a1": "pneumonia", "b2": "no pneumonia", "c3": "no pneumonia"}, "class": {"b2": "Normal"}},
        {"a1": "a1", "b2": "b2", "c3": "c3"},
    )


def mura(root: Path) -> Replica:
    files = [
        f"{folder}/image{number}"
        for folder, number in (
            ("train/XR_HAND/patient00001/study1_positive", 1),
            ("train/XR_HAND/patient00001/study1_positive", 2),
            ("train/XR_ELBOW/patient00001/study1_negative", 1),
            ("valid/XR_HAND/patient11186/study1_negative", 1),
        )
    ]
    for name in files:
        png(root / name)
    studies = dict.fromkeys(name.rpartition("/")[0] for name in files)
    for part in ("train", "valid"):
        table(
            root / f"{part}_labeled_studies.csv",
            *[(f"MURA-v1.1/{each}/", int("positive" in each)) for each in studies if each.startswith(part)],
        )
    ends = {name.partition("/")[2]: name for name in files}
    return Replica(
        {
            "label": {end: "abnormal" if "positive" in end else "normal" for end in ends},
            "region": {end: "hand" if "HAND" in end else "elbow" for end in ends},
        },
        {end: end.split("/")[1] for end in ends},
        {end: "training" if name.startswith("train") else "validation" for end, name in ends.items()},
    )


def cmmd(root: Path) -> Replica:
    book = Workbook()
    for row in (
        ("ID1", "LeftRight", "Age", "number", "abnormality", "classification", "subtype"),
        ("D1-0001", "R", 44, 2, "calcification", "Benign", None),
        ("D1-0002", "L", 40, 2, "both", "Benign", None),
        ("D1-0002", "R", 40, 2, "mass", "Malignant", None),
    ):
        book.active.append(row)
    root.mkdir(parents=True)
    book.save(root / "CMMD_clinicaldata_revision.xlsx")
    for patient, side in (("D1-0001", "L"), ("D1-0001", "R"), ("D1-0002", "L"), ("D1-0002", "R")):
        for view in ("CC", "MLO"):
            write_image(
                root / f"CMMD/{patient}/{side}-{view}.dcm",
                patient=patient,
                number=ord(side) + len(view),
                Modality="MG",
                ImageLaterality=side,
                ViewPosition=view,
            )
    return Replica(
        {
            "label": {
                "D1-0001/R-CC": "benign",
                "D1-0001/R-MLO": "benign",
                "D1-0002/L-CC": "benign",
                "D1-0002/L-MLO": "benign",
                "D1-0002/R-CC": "malignant",
                "D1-0002/R-MLO": "malignant",
            }
        },
        {"D1-0001/L-CC": "1", "D1-0001/R-MLO": "1", "D1-0002/L-CC": "2"},
    )


def tree(root: Path) -> Replica:
    files = [
        "train/NORMAL/IM-0115-0001",
        "train/PNEUMONIA/person1_bacteria_1",
        "train/PNEUMONIA/person1_bacteria_2",
        "test/NORMAL/IM-0001-0001",
        "test/PNEUMONIA/person100_virus_1",
        "val/NORMAL/NORMAL2-IM-1427-0001",
    ]
    for name in files:
        png(root / "chest_xray" / name)
    return Replica(
        {"label": {name: name.split("/")[1] for name in files}},
        {files[1]: "1", files[2]: "1", files[4]: "100", files[0]: "alone"},
        {name: {"train": "training", "test": "test", "val": "validation"}[name.split("/")[0]] for name in files},
    )


def coco(root: Path) -> Replica:
    for part, names in (("train", ("a", "b")), ("val", ("c",))):
        found = {
            "images": [{"id": n, "file_name": f"{name}.png"} for n, name in enumerate(names)],
            "categories": [{"id": 1, "name": "fracture"}, {"id": 2, "name": "cast"}],
            "annotations": [
                {"id": 1, "image_id": 0, "category_id": 1, "bbox": [1, 1, 2, 2]},
                {"id": 2, "image_id": 0, "category_id": 1},
                {"id": 3, "image_id": 0, "category_id": 2},
            ],
        }
        (root / "annotations").mkdir(parents=True, exist_ok=True)
        (root / f"annotations/instances_{part}.json").write_text(json.dumps(found))
        for name in names:
            png(root / f"{part}/{name}")
    return Replica(
        {"findings": {"a": "cast|fracture", "b": "none", "c": "cast|fracture"}},
        {},
        {"a": "training", "c": "validation"},
    )


def fiftyone(root: Path) -> Replica:
    for name in ("x1", "x2", "x3"):
        png(root / f"data/{name}")
    (root / "labels.json").write_text(json.dumps({"classes": ["no", "yes"], "labels": {"x1": 0, "x2": 1, "x3": None}}))
    return Replica({"label": {"x1": "no", "x2": "yes"}})


REPLICAS: dict[str, Callable[[Path], Replica]] = {
    each.__name__: each for each in (nih, chexpert, mimic, padchest, vindr, rsna, mura, cmmd, tree, coco, fiftyone)
}
