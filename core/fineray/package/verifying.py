"""Deriving figures again from what they are said to come from."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fineray.errors import FinerayError
from fineray.evaluation.metrics import evaluate
from fineray.evaluation.operating_point import OperatingPoint
from fineray.evaluation.predictions import Predictions
from fineray.export.results import Check
from fineray.package.archive import (
    STUDY_PREDICTIONS,
    STUDY_TEST_METRICS,
    STUDY_TEST_PREDICTIONS,
    read_archive,
)
from fineray.package.opening import tried_out
from fineray.progress import SILENT, Monitor, Progress
from fineray.project.project import Project
from fineray.project.runs import RunFolder
from fineray.training.opening import frozen_of, hashes_of

TOLERANCE = 1e-9
NOT_FIGURES = {"format", "opening", "opened", "seal", "labels_changed", "operating_point"}


class NotVerified(FinerayError):
    """Something is not what it is said to be."""


def verify_package(package: Path, monitor: Monitor = SILENT) -> list[Check]:
    """Hashes and signature of a package, what its model says, and, of a study capsule, every figure anew from the
    predictions in it. Raises PackageRefused, SignatureWrong or NotVerified."""
    with tempfile.TemporaryDirectory(prefix="fineray-") as temporary:
        folder = Path(temporary)
        monitor.report(Progress("Verifying", 0, 0, ""))
        opened = read_archive(package, folder)
        found = [Check("No file of the package was changed", f"SHA-256 of {len(opened.facts['files'])} files")]
        if opened.signature is not None:
            found.append(Check("The signature fits", f"Ed25519, key {opened.signature.fingerprint}"))
        monitor.check()
        difference = tried_out(folder, opened.facts, package)
        found.append(
            Check("The model says here what it said at its sender's", f"four pictures, difference {difference:.1g}")
        )
        monitor.check()
        if (folder / STUDY_PREDICTIONS).is_file():
            recipe, metrics = _json(folder / "recipe.json"), _json(folder / "metrics.json")
            predictions = Predictions.load(folder / STUDY_PREDICTIONS)
            found += _figures(predictions, metrics, recipe, None, "out-of-sample figures")
        if (folder / STUDY_TEST_PREDICTIONS).is_file():
            test = _json(folder / STUDY_TEST_METRICS)
            predictions = Predictions.load(folder / STUDY_TEST_PREDICTIONS)
            point = OperatingPoint.from_json(test["operating_point"])
            found += _figures(predictions, test, recipe, point, "figures on the sealed test set")
    return found


def verify_run(project: Project, folder: RunFolder) -> list[Check]:
    """Every figure of a run anew from its predictions; of a frozen run the hashes of its model. Raises NotVerified."""
    found = []
    frozen = frozen_of(folder)
    if frozen is not None:
        if hashes_of(folder.path) != frozen.hashes:
            raise _wrong("the model is not the one that was frozen", folder.name)
        found.append(Check("The model is the one that was frozen", f"SHA-256 of {len(frozen.hashes)} files"))
    recipe = folder.recipe()
    found += _figures(folder.predictions(), folder.metrics(), recipe, None, "out-of-sample figures")
    test = folder.test()
    if test is not None:
        point = OperatingPoint.from_json(test["operating_point"])
        found += _figures(folder.test_predictions(), test, recipe, point, "figures on the sealed test set")
    return found


def verify_statistics(path: Path) -> list[Check]:
    """What a hospital returned: the figures that follow from its counts, anew from these. Raises NotVerified."""
    try:
        told = _json(path)
        if told["kind"] != "statistics":
            raise ValueError("another kind of file")
        confusion, figures = told["figures"]["confusion"], told["figures"]
        total = sum(map(sum, confusion))
        expected: list[tuple[str, float | None, float | None]] = [("images", figures["images"], total)]
        expected.append(("accuracy", figures["accuracy"]["value"], _share(_trace(confusion), total)))
        for number, each in enumerate(figures["per_class"]):
            hits, row = confusion[number][number], sum(confusion[number])
            column = sum(line[number] for line in confusion)
            expected.append((f"sensitivity of {each['name']}", each["sensitivity"]["value"], _share(hits, row)))
            rest = total - row
            expected.append(
                (f"specificity of {each['name']}", each["specificity"]["value"], _share(rest - column + hits, rest))
            )
            expected.append((f"precision of {each['name']}", each["precision"]["value"], _share(hits, column)))
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise NotVerified(
            "The file holds no statistics of Fineray", where=str(path), todo="Ask for the file that validate wrote."
        ) from error
    for name, said, derived in expected:
        if not _same(said, derived):
            raise _wrong(f"{name} is said to be {said}, and follows as {derived}", str(path))
    return [Check(f"{len(expected)} figures follow from the counts", "the confusion matrix")]


def _figures(
    predictions: Predictions, told: dict[str, Any], recipe: dict[str, Any], point: OperatingPoint | None, what: str
) -> list[Check]:
    derived = json.loads(
        json.dumps(asdict(evaluate(predictions, resamples=recipe["bootstrap"], seed=recipe["seed"], point=point)))
    )
    number = 0
    for place, value in _leaves(derived):
        said: Any = told
        try:
            for step in place:
                said = said[step]
        except (KeyError, IndexError, TypeError) as error:
            raise _wrong(f"{' '.join(map(str, place))} is missing", what) from error
        if not _same(said, value):
            raise _wrong(f"{' '.join(map(str, place))} is said to be {said}, and follows as {value}", what)
        number += isinstance(value, int | float)
    how = f"{number:,} numbers from {len(predictions.images):,} predictions"
    return [Check(f"The {what} follow from the predictions", how)]


def _leaves(tree: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(tree, dict):
        for name, each in tree.items():
            yield from _leaves(each, (*place, name))
    elif isinstance(tree, list):
        for number, each in enumerate(tree):
            yield from _leaves(each, (*place, number))
    else:
        yield place, tree


def _same(said: Any, derived: Any) -> bool:
    if isinstance(derived, float) and isinstance(said, int | float):
        return math.isclose(said, derived, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(said == derived)


def _trace(confusion: list[list[int]]) -> int:
    return sum(confusion[number][number] for number in range(len(confusion)))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def _wrong(what: str, where: str) -> NotVerified:
    return NotVerified(f"Not verified: {what}", where=where, todo="Ask whoever made it; do not rely on its figures.")
