"""Writing the report of a run, whole or not at all."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import matplotlib

from fineray.progress import SILENT, Monitor, Progress
from fineray.project.kept_point import rule_of
from fineray.project.project import Project
from fineray.project.runs import RunFolder
from fineray.report.content import report
from fineray.report.document import Document, Drawing, Table
from fineray.report.facts import Facts
from fineray.report.html import svg_of, to_html
from fineray.report.record import record_of
from fineray.report.setting import setting_of
from fineray.review.judging import judge, predictions_at_point, resamples_of
from fineray.review.query import ReviewQuery
from fineray.system.output_file import check_output, whole_file
from fineray.system.places import Place

STAGE = "Writing the report"


def write_report(
    project: Project,
    folder: RunFolder,
    output: Place,
    view: ReviewQuery | None = None,
    thumbnails: bool = False,
    parts: Place | None = None,
    monitor: Monitor = SILENT,
) -> Path:
    """Write the report of a run, whole or not at all.

    Parameters
    ----------
    project : Project
        The project of the run.
    folder : RunFolder
        A run with predictions.
    output : str or path
        A .pdf or .html in a folder that is there.
    view : ReviewQuery, optional
        The class, finding and operating point that it is of; every image at the run's own point unless given.
    thumbnails : bool
        Show images that were predicted wrong, by pseudonym.
    parts : str or path, optional
        A folder for each table as CSV and each figure as SVG and PDF.
    monitor : Monitor
        May cancel.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    CannotWriteThere
        The name has another ending, or the folder is not there.
    NoOperatingPoint
        The rule of the view leads to none.
    Cancelled
        By the monitor.
    DiskFull, StorageUnavailable
        The disk refuses.

    Notes
    -----
    With checklists for the authors: CLAIM 2024 and TRIPOD+AI (Collins et al. 2024).

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     written = fineray.write_report(project, fineray.run(project, "run-001"), "report.html")
    >>> written.name, written.stat().st_size > 10_000
    ('report.html', True)
    """
    output = Path(output)
    shown = _own_view(folder) if view is None else replace(view, attribute="", value="")
    check_output(output, (".pdf", ".html"), "A report")
    monitor.report(Progress(STAGE, 0, 0, ""))
    document = report(gather(project, folder, shown, monitor), thumbnails)
    monitor.check()
    with whole_file(output) as partial:
        if output.suffix.lower() == ".pdf":
            from fineray.report.pdf import write_pdf

            write_pdf(document, partial)
        else:
            partial.write_text(to_html(document), "utf-8")
        monitor.check()
        if parts is not None:
            write_parts(document, Path(parts))
    return output


def _own_view(folder: RunFolder) -> ReviewQuery:
    """Every image, at the operating point that the run has; of findings side by side, the first one."""
    metrics = folder.metrics()
    rule = rule_of(folder, metrics.classes[0] if metrics.multilabel else "")
    return ReviewQuery(folder.name, rule, rule.positive)


def gather(project: Project, folder: RunFolder, view: ReviewQuery, monitor: Monitor = SILENT) -> Facts:
    """Judge the run and collect what the report says of it."""
    predictions, predicted = predictions_at_point(folder, view)
    record = record_of(project, folder, predictions, view.on_test)
    test, recipe = folder.test() if view.on_test else None, folder.recipe()
    held_out = folder.predictions() if test is not None else predictions
    development = setting_of(project, folder, record.parts, held_out, None)
    return Facts(
        project=project,
        folder=folder,
        view=view,
        metrics=folder.metrics(),
        recipe=recipe,
        test=test,
        shown=predictions,
        predicted=predicted.predicted,
        judgement=judge(project, folder, view, monitor),
        record=record,
        setting=setting_of(project, folder, record.parts, predictions, test.seal) if test else development,
        development=development,
        resamples=resamples_of(recipe, len(predictions.images)),
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
