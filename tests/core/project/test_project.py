"""Creating, opening, locking, and projects that this version must not touch."""

from __future__ import annotations

import multiprocessing
import sqlite3
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from fineray.project.lock import ProjectInUse
from fineray.project.project import (
    FolderNotEmpty,
    NotAProject,
    create_project,
    open_project,
)
from fineray.project.schema import VERSION, ProjectTooNew


def test_a_project_needs_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    create_project(tmp_path / "mine")
    with pytest.raises(FolderNotEmpty):
        create_project(tmp_path / "mine")
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderNotEmpty):
        create_project(tmp_path / "file")


def test_what_is_no_project_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(NotAProject, match="No Fineray project"):
        open_project(tmp_path)
    (tmp_path / "catalogue.sqlite").write_bytes(b"garbage, not a database" * 400)
    with pytest.raises(NotAProject, match="cannot be read"):
        open_project(tmp_path, lock=True)
    with pytest.raises(NotAProject):  # the lock was released
        open_project(tmp_path, lock=True)


def test_a_newer_project_is_left_alone(tmp_path: Path) -> None:
    create_project(tmp_path / "p")
    with sqlite3.connect(tmp_path / "p/catalogue.sqlite") as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    before = (tmp_path / "p/catalogue.sqlite").read_bytes()
    with pytest.raises(ProjectTooNew, match=f"format {VERSION + 1}") as caught:
        open_project(tmp_path / "p")
    assert "Update Fineray" in caught.value.todo
    assert (tmp_path / "p/catalogue.sqlite").read_bytes() == before


def _hold(root: Path, told: Connection) -> None:
    with open_project(root, lock=True):
        told.send("held")
        told.recv()


def test_a_second_holder_is_told_who_has_it_and_a_dead_one_lets_go(tmp_path: Path) -> None:
    create_project(tmp_path / "p")
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    holder = spawn.Process(target=_hold, args=(tmp_path / "p", theirs))
    holder.start()
    assert ours.recv() == "held"
    with pytest.raises(ProjectInUse, match=f"process {holder.pid}"):
        open_project(tmp_path / "p", lock=True)
    holder.kill()
    holder.join()
    open_project(tmp_path / "p", lock=True).close()


def test_hashes_are_the_projects_own(tmp_path: Path) -> None:
    hashes = []
    for name in "ab":
        create_project(tmp_path / name)
        with open_project(tmp_path / name) as opened:
            assert opened.keyed_hash("PAT-1") == opened.keyed_hash("PAT-1")
            hashes.append(opened.keyed_hash("PAT-1"))
            assert opened.db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert hashes[0] != hashes[1]


def test_a_project_of_the_first_format_is_brought_up_to_date(tmp_path: Path) -> None:
    from fineray.project.catalogue import image_rows
    from fineray.project.schema import MIGRATIONS
    from fineray.project.splits import (
        Split,
        SplitPlan,
        is_current,
        latest_split,
        parts,
    )

    create_project(tmp_path / "p")
    (tmp_path / "p/catalogue.sqlite").unlink()
    for extra in ("-wal", "-shm"):
        (tmp_path / f"p/catalogue.sqlite{extra}").unlink(missing_ok=True)
    with sqlite3.connect(tmp_path / "p/catalogue.sqlite") as db:
        db.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1;")
        db.executemany(
            "INSERT INTO setting VALUES (?, ?)", [("id", "0" * 32), ("hash_key", "00" * 32), ("store_side", "512")]
        )
        db.execute("INSERT INTO patient VALUES (1, 'P00001', 'h')")
        db.execute(
            "INSERT INTO image VALUES (1, 1, 's', 'e', 'o', 'c', 'DX', 'CHEST', 'PA', '', 'F', 40, 'M', 'X', 9, 8, 12,"
            " 'MONOCHROME2', 'RLE', 'window', NULL, NULL, '', 0, 0, 9, 8)"
        )
        db.execute("INSERT INTO label_set VALUES (7, 'label')")
        db.execute("INSERT INTO label VALUES (7, 1, 'ill')")
        db.execute("INSERT INTO split VALUES (3, 7, 'holdout', 5, 0.2, 0.25, 9, 'hash', 'then')")
        db.execute("INSERT INTO split_image VALUES (3, 1, 'training')")
        db.execute("INSERT INTO file VALUES ('f', 10, 11, 'imported', '', '', 1)")
        db.execute("INSERT INTO file VALUES ('g', 10, 11, 'skipped', 'why', 'do', NULL)")
    db.close()
    with open_project(tmp_path / "p") as opened:
        with sqlite3.connect(tmp_path / "p/catalogue.format-1.sqlite") as kept:
            assert kept.execute("PRAGMA user_version").fetchone() == (1,), "as it was before"
            assert kept.execute("SELECT value FROM label").fetchone() == ("ill",)
        kept.close()
        (row,) = image_rows(opened)
        assert (row.patient, row.rows, row.columns, row.label) == ("P00001", 9, 8, "ill")
        assert latest_split(opened) == Split(3, SplitPlan("holdout", 5, 0.2, 0.25, 9), "hash", "then", None)
        assert is_current(opened, latest_split(opened)) and parts(opened, latest_split(opened)) == {1: "training"}
        assert opened.db.execute("SELECT * FROM image_file").fetchall() == [("f", 1)]
        assert opened.db.execute("SELECT path_hash, reason FROM file ORDER BY 1").fetchall() == [
            ("f", ""),
            ("g", "why"),
        ]
        assert opened.db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_dates_move_together_and_far(tmp_path: Path) -> None:
    from datetime import date

    create_project(tmp_path / "p")
    with open_project(tmp_path / "p") as opened:
        first, second = (date.fromisoformat(opened.shifted_date(text)) for text in ("20240103", "20240207"))
        assert (second - first).days == 35
        assert first.weekday() == date(2024, 1, 3).weekday()
        assert 364 <= (date(2024, 1, 3) - first).days <= 3640
        assert opened.shifted_date("") == opened.shifted_date("2024") == opened.shifted_date("20241399") == ""
