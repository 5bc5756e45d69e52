"""A hundred thousand images: opening, listing, filtering, sorting: `python -m tests.bench.bench_catalogue [N]`.

The rows are written by SQL, without pixels: it is the catalogue and the tables that are timed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEventLoop, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication

from fineray.project.project import create_project, open_project
from tests.support.lateness import Lateness

IMAGES = 100_000
ASC = Qt.SortOrder.AscendingOrder


def fill(root: Path, count: int) -> None:
    """Images of made-up patients, labelled, without pixels."""
    create_project(root)
    random = np.random.default_rng(0)
    with open_project(root) as project, project.db as db:
        patients = count // 2
        db.executemany(
            "INSERT INTO patient VALUES (?, ?, ?)", ((n, f"P{n:05d}", f"h{n}") for n in range(1, patients + 1))
        )
        views, makers = random.choice(["PA", "AP", "LL"], count), random.choice(["Alpha", "Beta", "Gamma"], count)
        ages, labels = random.integers(1, 95, count), random.choice(["ill", "well"], count)
        db.executemany(
            "INSERT INTO image (id, patient_id, study_hash, series_hash, sop_hash, content_hash, modality, body_part,"
            " view_position, laterality, sex, age_years, manufacturer, model, rows, columns, bits_stored, photometric,"
            " transfer_syntax, voi_source, burned_in, shard, shard_offset, store_rows, store_columns)"
            " VALUES (?, ?, ?, '', ?, ?, 'DX', 'CHEST', ?, '', 'F', ?, ?, 'M', 2000, 2500, 12, 'MONOCHROME2',"
            " 'JPEG 2000', 'window', 'NO', 0, 0, 8, 8)",
            (
                (n, 1 + (n - 1) // 2, f"s{n}", f"o{n}", f"{n:064x}", views[n - 1], float(ages[n - 1]), makers[n - 1])
                for n in range(1, count + 1)
            ),
        )
        db.executemany("INSERT INTO label VALUES (1, ?, ?)", ((n, str(labels[n - 1])) for n in range(1, count + 1)))
    (root / "pixels/shard-0000.u8").write_bytes(bytes(64))


def timed(name: str, run: Callable[[], object], rounds: int = 5) -> None:
    """Print the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    print(f"{name:44} {best * 1e3:8.0f} ms")


def main() -> None:
    """Print the figures."""
    from fineray_desktop.curate.page import CuratePage
    from fineray_desktop.loading import Loading
    from fineray_desktop.main_window import MainWindow

    count = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    app = QApplication([])
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FINERAY_HOME"] = f"{scratch}/home"
        root = Path(scratch) / "large"
        fill(root, count)
        window = MainWindow(QSettings(f"{scratch}/settings.ini", QSettings.Format.IniFormat))
        window.show()

        def reopen() -> None:
            window.session.close_project()
            window.open_project(root)
            assert window.session.project is not None
            app.processEvents()

        timed(f"open a project of {count:,} images", reopen)

        def loaded() -> None:
            waiting = QEventLoop()
            look = QTimer(interval=5)
            look.timeout.connect(lambda: any(each.busy for each in window.findChildren(Loading)) or waiting.quit())
            look.start()
            waiting.exec()

        with Lateness() as showing:
            window.show_page("Curate")
            loaded()
            app.processEvents()
        page = window.page("Curate")
        assert isinstance(page, CuratePage)
        images = page.images
        assert images.table.rowCount() == count
        print(f"{'longest stall while page Curate loads':44} {showing.worst * 1e3:8.0f} ms")

        def change(run: Callable[[], object]) -> Callable[[], None]:
            def changed() -> None:
                run()
                app.processEvents()

            return changed

        for text in ("P0423", "view:ll label:ill", "jpeg"):
            timed(f"filter by “{text}”", change(lambda text=text: images.search.setText(text)), rounds=1)
        timed("all again", change(lambda: images.search.setText("")), rounds=1)
        for name in ("Patient", "Label", "View", "Age"):
            column = images.table.columns.index(name)
            timed(f"sort by {name}", change(lambda column=column: images.view.sortByColumn(column, ASC)), rounds=1)
        images.view.selectRow(7)
        with Lateness() as labelling:
            images.label_selected("well")
            loaded()
            app.processEvents()
        print(f"{'longest stall while one image is labelled':44} {labelling.worst * 1e3:8.0f} ms")
        for title, widget in (("table", images.view), ("wall", images.wall)):
            images.stack.setCurrentWidget(widget)
            app.processEvents()
            bar = widget.verticalScrollBar()
            worst = 0.0
            for place in [*range(0, 4000, 90), *np.linspace(0, bar.maximum(), 60).astype(int).tolist()]:
                started = time.perf_counter()
                bar.setValue(place)
                app.processEvents()
                worst = max(worst, time.perf_counter() - started)
            print(f"{f'slowest of 105 steps through the {title}':44} {worst * 1e3:8.0f} ms")
        timed("select all and look what is selected", change(lambda: (images.view.selectAll(), images.selected())))
        window.close()


if __name__ == "__main__":
    main()
