"""Cohen's kappa against caret, scikit-learn and statsmodels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from fineray.evaluation.intervals import BOOTSTRAP
from fineray.project.changes import set_labels
from fineray.project.files.importing import import_folders
from fineray.project.label_sets import add_label_set
from fineray.project.project import Project
from fineray.review.agreement import NothingInCommon, agreement, kappa_of_table


def test_kappa_as_caret_gives_it() -> None:
    found = kappa_of_table(np.array([[661, 246], [36, 207]]))
    assert found.value == pytest.approx(0.4411, abs=5e-5)
    assert (found.low, found.high) == (pytest.approx(0.3903, abs=5e-4), pytest.approx(0.4919, abs=5e-4))
    assert kappa_of_table(np.array([[663, 34], [46, 407]])).value == pytest.approx(0.85363, abs=5e-6)


@given(st.lists(st.lists(st.integers(1, 60), min_size=3, max_size=3), min_size=3, max_size=3))
def test_against_statsmodels_and_scikit_learn(counts: list[list[int]]) -> None:
    table = np.array(counts)
    ours, theirs = kappa_of_table(table), cohens_kappa(table)
    assert ours.value == pytest.approx(theirs.kappa)
    assert ours.low == pytest.approx(max(-1, theirs.kappa_low), abs=1e-9)
    assert ours.high == pytest.approx(min(1, theirs.kappa_upp), abs=1e-9)
    rows, columns = np.nonzero(table)
    times = table[rows, columns]
    assert ours.value == pytest.approx(cohen_kappa_score(np.repeat(rows, times), np.repeat(columns, times)))


def test_two_readers_of_a_study(project: Project, images: Callable[..., Path]) -> None:
    import_folders(project, [images(patients=8, each=2)])
    one, two = add_label_set(project, "one"), add_label_set(project, "two")
    with pytest.raises(NothingInCommon):
        agreement(project, "one", "two")
    set_labels(project, {image: "ab"[image % 2] for image in range(1, 15)}, "x", one.id)
    second = {image: "ab"[image % 2] for image in range(3, 17)} | {5: "a", 9: "uncertain"}
    set_labels(project, second, "x", two.id)
    found = agreement(project, "one", "two")
    assert found.disagreements == (5, 9)
    assert (found.only_first, found.only_second, found.kappa.n) == (2, 2, 12)
    assert found.classes == ("a", "b", "uncertain")
    assert found.kappa.method == BOOTSTRAP, "two images a patient are not independent"
    assert found.kappa.low < found.kappa.value < found.kappa.high
