"""Deriving figures again from what they are said to come from."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fineray.errors import FinerayError
from fineray.evaluation.evaluation import Evaluation
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
from fineray.project.run_metrics import SealedTest
from fineray.project.runs import RunFolder, reading
from fineray.training.opening import hashes_of

TOLERANCE = 1e-9
NOT_IN_FIRST_FORMAT = {"accuracy", "ppv_there", "npv_there"}  # of each class


Place = tuple[str | int, ...]  # keys and numbers from the root of a tree


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
            recipe, metrics = _json(folder / "recipe.json"), RunFolder(folder).metrics()
            predictions = Predictions.load(folder / STUDY_PREDICTIONS)
            found += _figures(predictions, metrics.figures, recipe, None, "out-of-sample figures")
        if (folder / STUDY_TEST_PREDICTIONS).is_file():
            with reading(folder / STUDY_TEST_METRICS):
                test = SealedTest.from_json(_json(folder / STUDY_TEST_METRICS))
            predictions = Predictions.load(folder / STUDY_TEST_PREDICTIONS)
            found += _figures(predictions, test.figures, recipe, test.point, "figures on the sealed test set")
    return found


def verify_run(folder: RunFolder) -> list[Check]:
    """Every figure of a run anew from its predictions; of a frozen run the hashes of its model. Raises NotVerified."""
    found = []
    frozen = folder.frozen()
    if frozen is not None:
        if hashes_of(folder.path) != frozen.hashes:
            raise _wrong("the model is not the one that was frozen", folder.name)
        found.append(Check("The model is the one that was frozen", f"SHA-256 of {len(frozen.hashes)} files"))
    recipe = folder.recipe()
    found += _figures(folder.predictions(), folder.metrics().figures, recipe, None, "out-of-sample figures")
    test = folder.test()
    if test is not None:
        found += _figures(folder.test_predictions(), test.figures, recipe, test.point, "figures on the sealed test set")
    return found


def verify_statistics(path: Path) -> list[Check]:
    """What a hospital returned: the figures that follow from its counts, anew from these. Raises NotVerified."""
    try:
        told = _json(path)
        if told["kind"] != "statistics":
            raise ValueError("another kind of file")
        figures = Evaluation.from_json(told["figures"])
        confusion = figures.confusion
        total = sum(map(sum, confusion))
        expected: list[tuple[str, float | None, float | None]] = [("images", figures.images, total)]
        expected.append(("accuracy", figures.accuracy.value, _share(_trace(confusion), total)))
        for number, each in enumerate(figures.per_class):
            hits, row = confusion[number][number], sum(confusion[number])
            column = sum(line[number] for line in confusion)
            expected.append((f"sensitivity of {each.name}", each.figures.sensitivity.value, _share(hits, row)))
            rest = total - row
            expected.append(
                (f"specificity of {each.name}", each.figures.specificity.value, _share(rest - column + hits, rest))
            )
            expected.append((f"precision of {each.name}", each.figures.ppv.value, _share(hits, column)))
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise NotVerified(
            "The file holds no statistics of Fineray", where=str(path), todo="Ask for the file that validate wrote."
        ) from error
    for name, said, derived in expected:
        if not _same(said, derived):
            raise _wrong(f"{name} is said to be {said}, and follows as {derived}", str(path))
    return [Check(f"{len(expected)} figures follow from the counts", "the confusion matrix")]


def _figures(
    predictions: Predictions, told: Evaluation, recipe: dict[str, Any], point: OperatingPoint | None, what: str
) -> list[Check]:
    derived = evaluate(predictions, resamples=recipe["bootstrap"], seed=recipe["seed"], point=point)
    said = dict(_leaves(told.to_json()))
    number = 0
    for place, value in _leaves(derived.to_json()):
        if place not in said:
            raise _wrong(f"{' '.join(map(str, place))} is missing", what)
        if _untold(place, said):
            continue
        if not _same(said[place], value):
            raise _wrong(f"{' '.join(map(str, place))} is said to be {said[place]}, and follows as {value}", what)
        number += isinstance(value, int | float)
    how = f"{number:,} numbers from {len(predictions.images):,} predictions"
    return [Check(f"The {what} follow from the predictions", how)]


def _untold(place: Place, said: dict[Place, Any]) -> bool:
    """Whether it is a figure that files of format 1 did not keep; where it was read, no method stands beside it."""
    return (
        len(place) > 2
        and place[-2] in NOT_IN_FIRST_FORMAT
        and place[-3] == "figures"
        and not said[(*place[:-1], "method")]
    )


def _leaves(tree: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    if isinstance(tree, dict):
        for name, each in tree.items():
            yield from _leaves(each, (*place, name))
    elif isinstance(tree, list | tuple):
        for number, each in enumerate(tree):
            yield from _leaves(each, (*place, number))
    else:
        yield place, tree


def _same(said: Any, derived: Any) -> bool:
    if isinstance(derived, float) and isinstance(said, int | float):
        return math.isclose(said, derived, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(said == derived)


def _trace(confusion: Sequence[Sequence[int]]) -> int:
    return sum(confusion[number][number] for number in range(len(confusion)))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def _wrong(what: str, where: str) -> NotVerified:
    return NotVerified(f"Not verified: {what}", where=where, todo="Ask whoever made it; do not rely on its figures.")
