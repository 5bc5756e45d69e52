"""Made-up studies with real pixels in the store, written without DICOM, and backbones with random weights."""

from __future__ import annotations

import itertools
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from fineray.backbones.adding import WeightSource, add_weights
from fineray.backbones.catalogue import (
    Backbone,
    backbone,
    backbones,
    weights_file,
)
from fineray.backbones.surgery import architecture
from fineray.project.pixel_store import ShardWriter, StoredAt
from fineray.project.project import create_project, open_project
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split

PATTERNS = 32  # of each class, which all images are made from
WRITERS = 4
ROW = (
    "INSERT INTO image (id, patient_id, study_hash, series_hash, sop_hash, content_hash, modality, body_part,"
    " view_position, laterality, sex, age_years, manufacturer, model, rows, columns, bits_stored, photometric,"
    " transfer_syntax, voi_source, burned_in, shard, shard_offset, store_rows, store_columns, fingerprint)"
    " VALUES (?, ?, ?, '', ?, ?, 'DX', 'CHEST', 'PA', '', 'F', 50, 'A', 'M', ?, ?, 12, 'MONOCHROME2', 'JPEG 2000',"
    " 'window', 'NO', ?, ?, ?, ?, ?)"
)


def write_study(root: Path, count: int, side: int, plan: SplitPlan, seconds: float = float("inf")) -> int:
    """A project of `count` images [side, side], two a patient, half of the patients ill, with a split; how many there
    are. Writing ends after `seconds` with as many as there are then."""
    create_project(root)
    until, patterns = time.monotonic() + seconds, _patterns(side)
    with ThreadPoolExecutor(WRITERS) as pool:
        numbers = [range(1 + first, count + 1, WRITERS) for first in range(WRITERS)]
        parts = pool.map(lambda k: _written(root / "pixels", k, numbers[k], patterns, until), range(WRITERS))
        places = dict(sorted(itertools.chain.from_iterable(part.items() for part in parts)))
    whole = {number: place for number, place in places.items() if _twin(number) in places or _twin(number) > count}
    with open_project(root) as project, project.db as db:
        patients = sorted({_patient(number) for number in whole})
        db.executemany("INSERT INTO patient VALUES (?, ?, ?)", ((n, f"P{n:06d}", f"h{n}") for n in patients))
        db.executemany(ROW, (_row(number, place) for number, place in whole.items()))
        labels = ((number, "ill" if _ill(number) else "well") for number in whole)
        db.executemany("INSERT INTO label VALUES (1, ?, ?)", labels)
    with open_project(root) as project:
        make_split(project, plan)
    return len(whole)


def random_backbone(name: str) -> Backbone:
    """A backbone of the catalogue, with the weights that are installed or else with random ones, added to the user's
    folder as anybody's weights are."""
    if weights_file(backbone(name)) is not None:
        return backbone(name)
    title = f"Random {name}"
    if any(each.name == title for each in backbones()):
        return backbone(title)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.safetensors"
        save_file({key: value.contiguous() for key, value in architecture(backbone(name)).state_dict().items()}, path)
        return add_weights(path, name, WeightSource(title, "nothing: the weights are random"))


def _written(
    folder: Path, first: int, numbers: range, patterns: NDArray[np.uint8], until: float
) -> dict[int, StoredAt]:
    writer, random, places = ShardWriter(folder, first, 0, WRITERS), np.random.default_rng(first), {}
    patch = patterns.shape[-1] // 8
    for number in numbers:
        if time.monotonic() > until:
            break
        image = patterns[int(_looks_ill(number)), random.integers(PATTERNS)].copy()
        y, x = random.integers(0, image.shape[0] - patch, 2)
        image[y : y + patch, x : x + patch] = random.integers(0, 256, (patch, patch), np.uint8)
        places[number] = writer.append(image)
    return places


def _patterns(side: int) -> NDArray[np.uint8]:
    """[2, PATTERNS, side, side]: coarse noise; that of the second class is a little brighter, and striped."""
    random, cell = np.random.default_rng(0), max(1, side // 16)
    coarse = random.normal(110, 35, (2, PATTERNS, 16, 16))
    found = np.kron(coarse, np.ones((cell, cell))) + random.normal(0, 8, (2, PATTERNS, 16 * cell, 16 * cell))
    found[1] += 5 + 4 * np.sin(np.arange(16 * cell))
    return np.clip(found, 0, 255).astype(np.uint8)


def _row(number: int, at: StoredAt) -> tuple[object, ...]:
    names = (f"s{number}", f"o{number}", f"{number:064x}")
    sizes = (at.rows, at.columns, at.shard, at.offset, at.rows, at.columns)
    return (number, _patient(number), *names, *sizes, bytes(64))


def _patient(number: int) -> int:
    return (number + 1) // 2


def _twin(number: int) -> int:
    return number + 1 if number % 2 else number - 1


def _ill(number: int) -> bool:
    return _patient(number) % 2 == 0


def _looks_ill(number: int) -> bool:
    """One patient in seven looks otherwise than the label says, so that no model is perfect."""
    return _ill(number) != (_patient(number) * 5 % 7 == 0)
