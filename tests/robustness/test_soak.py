"""A day's work again and again in one window: memory, handles, threads and processes stay as they are."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fineray.project.labels.preview import FromFolders
from fineray_desktop.curate.page import CuratePage
from fineray_desktop.importing.page import ImportPage
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage
from fineray_desktop.train.page import TrainPage
from tests.robustness.reliability import Reliability
from tests.support.images import write_classes
from tests.support.processes import family
from tests.support.window import MINUTE, idle

WARM = 3  # rounds until caches, fonts and the allocator have what they keep
GROWTH_MB = 1.0  # a round, of the window and its processes together
COARSE_MB = 40.0  # the same where a few rounds cannot tell it from a process that one of them still holds


def memory_mb(pid: int) -> float:
    """What a process alone holds (Pss: shared pages by their share)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def measured() -> dict[str, float]:
    gc.collect()
    processes = family(os.getpid())
    return {
        "memory": sum(map(memory_mb, processes)),
        "handles": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "processes": len(processes),
    }


def a_day(window: MainWindow, qtbot: QtBot, study: Path, images: Path) -> None:
    """New project, import, labels, split, training, review with every tab and some images, close."""
    session = window.session
    window.start_page.create(study)
    page = window.page("Import")
    assert isinstance(page, ImportPage)
    with qtbot.waitSignal(session.data_changed, timeout=MINUTE):
        page.import_folders([images])
    idle(window, qtbot)
    window.show_page("Curate")
    curate = window.page("Curate")
    assert isinstance(curate, CuratePage)
    curate.labels.preview(FromFolders())
    qtbot.waitUntil(lambda: "Matched images" in curate.labels.text.text() and not session.busy, timeout=MINUTE)
    with qtbot.waitSignal(session.data_changed, timeout=MINUTE):
        curate.labels.apply()
    idle(window, qtbot)
    with qtbot.waitSignal(session.data_changed, timeout=MINUTE):
        curate.split.make()
    idle(window, qtbot)
    window.show_page("Train")
    train = window.page("Train")
    assert isinstance(train, TrainPage)
    qtbot.waitUntil(train.start_button.isEnabled, timeout=MINUTE)
    with qtbot.waitSignal(session.runs_changed, timeout=4 * MINUTE):
        train.start()
    idle(window, qtbot)
    window.show_page("Review")
    review = window.page("Review")
    assert isinstance(review, ReviewPage)
    qtbot.waitUntil(lambda: review.table.rowCount() == 24, timeout=MINUTE)
    for row in range(0, 24, 3):
        review.view.selectRow(row)
        qtbot.waitUntil(lambda: not review.image_panel.cache.reading, timeout=MINUTE)
    for tabs in (review.image_panel.tabs, curate.tabs):
        for number in range(tabs.count()):
            tabs.setCurrentIndex(number)
    idle(window, qtbot)
    session.close_project()


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(8, marks=[pytest.mark.alone, pytest.mark.timeout(900)]),
        pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(14_400)]),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_days_of_work(window: MainWindow, qtbot: QtBot, tmp_path: Path, rounds: int, reliability: Reliability) -> None:
    write_classes(tmp_path / "images", 24)
    began, found = time.monotonic(), []
    for number in range(rounds):
        a_day(window, qtbot, tmp_path / f"study-{number}", tmp_path / "images")
        found.append(measured())
    first = found[min(WARM, rounds - 2)]
    last = {name: min(each[name] for each in found[-max(2, rounds // 4) :]) for name in first}
    counted = rounds - 1 - min(WARM, rounds - 2)
    # The least of the later rounds against the least of the earlier: single ones hold tens of MB that are freed next
    # time, and what is lost is never given back.
    memory = [each["memory"] for each in found[-counted - 1 :]]
    half = len(memory) // 2
    early, late = min(memory[:half]), min(memory[half:])
    growth = (late - early) / half
    print([round(each["memory"]) for each in found], first, last)  # noqa: T201
    assert growth < (GROWTH_MB if rounds > 50 else COARSE_MB), [round(each["memory"]) for each in found]
    assert last["handles"] <= first["handles"] + 2, (first, last)
    assert last["threads"] <= first["threads"] + 1, (first, last)
    assert last["processes"] <= first["processes"], (first, last)
    reliability.note(
        "Soak",
        f"{rounds} rounds of new project, import, labels, split, training, review and close in one window: memory of"
        f" all its processes {early:,.0f} MB after round {WARM + 1}, {late:,.0f} MB at the end ({growth:+.2f} MB a"
        f" round), handles {first['handles']:.0f} and {last['handles']:.0f}, threads {first['threads']:.0f} and"
        f" {last['threads']:.0f}, processes {first['processes']:.0f} and {last['processes']:.0f};"
        f" {time.monotonic() - began:,.0f} s",
    )
