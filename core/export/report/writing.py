"""Writing the report of a run, whole or not at all."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import matplotlib

from core.errors import FinerayError, storage_error
from core.evaluation.judgement import View
from core.evaluation.judging import called_predictions, judge
from core.export.report.content import report
from core.export.report.document import Document, Drawing, Table
from core.export.report.facts import Facts
from core.export.report.html import svg_of, to_html
from core.progress import Monitor, Progress
from core.project.project import Project
from core.project.runs import RunFolder

STAGE = "Writing the report"


class CannotWriteReport(FinerayError):
    """The report cannot be written there."""


def write_report(
    project: Project,
    folder: RunFolder,
    view: View,
    output: Path,
    monitor: Monitor,
    thumbnails: bool,
    parts: Path | None,
) -> Path:
    """Write .pdf or .html; with `parts`, a folder, each table as CSV and each figure as SVG and PDF too.

    Raises CannotWriteReport, NoOperatingPoint, Cancelled, or a storage error; an unfinished file is not left behind.
    """
    if output.suffix.lower() not in (".pdf", ".html"):
        raise CannotWriteReport(
            "A report is a .pdf or an .html file", where=str(output), todo="Give the file one of these endings."
        )
    if not output.parent.is_dir():
        raise CannotWriteReport("The folder is not there", where=str(output.parent), todo="Make it, or choose another.")
    monitor.report(Progress(STAGE, 0, 0, ""))
    document = report(gather(project, folder, replace(view, attribute="", value=""), monitor), thumbnails)
    monitor.check()
    partial = output.with_name(f".{output.name}.partial")
    try:
        if output.suffix.lower() == ".pdf":
            from core.export.report.pdf import write_pdf

            write_pdf(document, partial)
        else:
            partial.write_text(to_html(document), "utf-8")
        monitor.check()
        if parts is not None:
            write_parts(document, parts)
        partial.replace(output)
    except OSError as error:
        raise storage_error(error) or error from error
    finally:
        partial.unlink(missing_ok=True)
    return output


def gather(project: Project, folder: RunFolder, view: View, monitor: Monitor) -> Facts:
    """Judge the run and collect what the report says of it."""
    predictions, called = called_predictions(folder, view)
    return Facts(
        project,
        folder,
        view,
        folder.metrics(),
        folder.recipe(),
        folder.test() if view.on_test else None,
        predictions,
        called.called,
        judge(project, folder, view, monitor),
    )


def write_parts(document: Document, folder: Path) -> None:
    """Each table as CSV, each figure as SVG and PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    for block in document.blocks:
        match block:
            case Table(name, _, columns, rows, _):
                with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                    writer = csv.writer(file)
                    writer.writerow(columns)
                    writer.writerows(rows)
            case Drawing(name, _, figure, _, _):
                (folder / f"{name}.svg").write_text(svg_of(figure), "utf-8")
                with matplotlib.rc_context({"pdf.fonttype": 42}):
                    figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
