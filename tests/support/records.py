"""Projects made of records instead of images: images, labels, a split and a run whose figures are made up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.predictions import Predictions
from fineray.label_values import multi_value
from fineray.project.changes import set_labels
from fineray.project.label_sets import add_label_set, use_label_set
from fineray.project.project import Project, create_project, open_project
from fineray.project.runs import RunFolder, write_run
from fineray.project.splits import SplitPlan, parts
from fineray.project.splitting.make import make_split

LONG = (
    "pneumonia and pleural effusion, right lower lobe",
    "pneumonia and pleural effusion, left lower lobe",
    "pneumonia only",
    "pneumonia and effusion",
    "no finding",
    "pleural effusion, right",
    "pleural effusion, left",
    "enlarged cardiac silhouette with congestion",
    "enlarged cardiac silhouette without congestion",
    "pneumothorax after insertion of a central line",
    "interstitial lung disease, usual interstitial pneumonia",
    "interstitial lung disease, nonspecific interstitial pneumonia",
    "tuberculosis, active",
    "tuberculosis, healed",
)
FOLDER = "/mnt/radiology/research archive 2024/export of the picture archive/chest images of the emergency department"
MAKERS = ("Philips Medical Systems DMC GmbH, Hamburg", "Samsung Electronics", "Fujiimage")
SIDE = 64  # pixels of the one picture that all images share


def classes(count: int) -> tuple[str, ...]:
    """So many long names, among them such as differ only at their end or in their middle."""
    return LONG[2:5] if count == 3 else LONG[:count]


def project_of_records(root: Path, classes: Sequence[str], *, multilabel: bool = False, each: int = 6) -> Path:
    """A project with so many images of each class, labelled, split in three folds, with two runs; returns its folder.

    multilabel: the classes are findings that stand side by side. Every image shares one picture of noise.
    """
    create_project(root)
    random = np.random.default_rng(len(classes))
    with open_project(root) as project:
        shades = random.integers(0, 255, SIDE * SIDE, np.uint8).tobytes()
        (root / "pixels" / "shard-0000.u8").write_bytes(shades)
        images = each * len(classes)
        add_images(project, images)
        number = np.arange(images) % len(classes)
        if multilabel:
            add_label_set(project, "findings on the image", "multi", classes)
            use_label_set(project, "findings on the image")
            values = [multi_value({classes[one]: True, classes[(one + 1) % len(classes)]: True}) for one in number]
        else:
            values = [classes[one] for one in number]
        set_labels(project, dict(enumerate(values, start=1)), "Labels of the records")
        for reader in ("labels of the first reader", "labels of the second reader"):
            add_label_set(project, reader, classes=classes)
        part_of = parts(project, make_split(project, SplitPlan(folds=3)))
        for _ in range(2):
            add_run(project, classes, number, [part_of[n] for n in range(1, images + 1)], multilabel, random)
    return root


def add_images(project: Project, images: int) -> None:
    """Put so many images into the catalogue, two of a patient."""
    columns = [row[1] for row in project.db.execute("PRAGMA table_info(image)")]
    known = {"rows": 2500, "columns": 2048, "bits_stored": 12, "shard": 0, "shard_offset": 0, "store_rows": SIDE,
             "store_columns": SIDE, "frame": 1, "age_years": 50.0, "modality": "DX", "body_part": "CHEST",
             "study_date": "", "left_out": "", "photometric": "MONOCHROME2"}  # fmt: skip
    with project.db as db:
        people = ((n, f"P{n:05d}", f"h{n}") for n in range((images + 1) // 2))
        db.executemany("INSERT INTO patient VALUES (?, ?, ?)", people)
        rows = []
        for n in range(1, images + 1):
            own = {"id": n, "patient_id": (n - 1) // 2, "sop_hash": f"sop{n}", "content_hash": f"content{n}",
                   "study_hash": f"study{n}", "view_position": ("PA", "AP")[n % 2], "sex": ("F", "M")[n // 2 % 2],
                   "manufacturer": MAKERS[n // 2 % len(MAKERS)]}  # fmt: skip
            rows.append([{**known, **own}.get(name, "") for name in columns])
        db.executemany(f"INSERT INTO image VALUES ({', '.join('?' * len(columns))})", rows)


def add_run(
    project: Project,
    classes: Sequence[str],
    number: NDArray[np.int64],
    held_out: Sequence[str],
    multilabel: bool,
    random: np.random.Generator,
) -> RunFolder:
    """Add a run that is right more often than not. number: the class of each image; held_out: the part of each."""
    images, count = len(number), len(classes)
    chance = random.dirichlet(np.ones(count), images) + 0.5 * np.eye(count)[number]
    chance /= chance.sum(axis=1, keepdims=True)
    truth = None
    if multilabel:
        truth = np.clip(np.eye(count)[number] + np.eye(count)[(number + 1) % count], 0, 1)
        chance = np.clip(random.normal(0.35 + 0.3 * truth, 0.18), 0.001, 0.999)
    predictions = Predictions(
        tuple(classes),
        np.arange(1, images + 1),
        tuple(f"P{n // 2:05d}" for n in range(images)),
        tuple(held_out),
        np.zeros(images, np.int64) if multilabel else number,
        chance,
        truth,
    )
    estimate = {"value": 0.81, "low": 0.77, "high": 0.848, "n": images, "method": ""}
    facts = {"classes": list(classes), "auc": estimate, "images": images, "label_set": "label",
             "multilabel": multilabel, "device": "CPU (2 threads)", "seal": None,
             "split": {"kind": "folds", "folds": 3, "by": ""},
             "backbone": {"title": "EfficientNet-Lite0"}}  # fmt: skip

    def write(folder: Path) -> None:
        predictions.save(folder / "predictions.csv")
        (folder / "metrics.json").write_text(json.dumps(facts), "utf-8")
        (folder / "recipe.json").write_text('{"bootstrap": 100, "seed": 0}', "utf-8")

    return write_run(project, write)
