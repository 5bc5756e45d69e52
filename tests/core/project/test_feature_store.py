"""Features that are kept: what is there is read, what is gone is missed and worked out anew."""

from __future__ import annotations

import shutil

import numpy as np

from fineray.project.feature_store import FOLDER, FeatureStore, kept_features
from fineray.project.project import Project


def test_rows_are_read_in_the_order_asked_for(project: Project) -> None:
    store = FeatureStore(project, "space", 3)
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    store.append(["a", "b"], rows[:2])
    store.append(["c", "d"], rows[2:])
    np.testing.assert_array_equal(FeatureStore(project, "space", 3).read(["d", "a"]), rows[[3, 0]])
    assert kept_features(project, "space", 3, {7: "c", 8: "nobody's"})[7].tolist() == [6, 7, 8]
    assert kept_features(project, "another space", 3, {7: "c"}) == {}


def test_a_cleared_folder_and_a_cut_file_hold_what_they_hold(project: Project) -> None:
    rows = np.arange(9, dtype=np.float32).reshape(3, 3)
    FeatureStore(project, "space", 3).append(["a", "b", "c"], rows)
    with (project.root / FOLDER / "space.f32").open("r+b") as file:
        file.truncate(2 * 12 + 5)  # within the third row
    cut = FeatureStore(project, "space", 3)
    assert set(cut.rows) == {"a", "b"}
    np.testing.assert_array_equal(cut.read(["b"]), rows[1:2])
    cut.append(["c"], rows[2:] + 100)
    np.testing.assert_array_equal(FeatureStore(project, "space", 3).read(["a", "c"]), [rows[0], rows[2] + 100])
    shutil.rmtree(project.root / FOLDER)
    again = FeatureStore(project, "space", 3)
    assert again.rows == {}
    again.append(["b"], rows[1:2])
    np.testing.assert_array_equal(FeatureStore(project, "space", 3).read(["b"]), rows[1:2])
