"""The report: every figure recomputes, nothing of a patient is in it, research use stands on every page."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from pypdfium2 import PdfDocument
from sklearn.metrics import roc_auc_score

from fineray import RESEARCH_USE
from fineray.evaluation.operating_point import PointRule
from fineray.progress import Cancelled, Monitor
from fineray.project.catalogue import image_rows
from fineray.project.changes import leave_out, set_labels
from fineray.project.chosen_point import point_by_rule
from fineray.project.files.importing import import_folders
from fineray.project.kept_point import keep_point, rule_of
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project, create_project, open_project
from fineray.project.runs import RunFolder, runs
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.report.checklist import AUTHOR
from fineray.report.content import report
from fineray.report.document import Drawing, Paragraph, Table
from fineray.report.facts import flow_steps
from fineray.report.writing import gather, write_report
from fineray.review.query import ReviewQuery
from fineray.system.output_file import CannotWriteThere
from fineray.training.recipe import HeadSettings, Recipe
from fineray.training.train import train
from tests.support.images import write_image
from tests.support.studies import Zoo

RECIPE = Recipe(head=HeadSettings(strengths=(1.0, 0.1)), bootstrap=100)


@pytest.fixture
def made(zoo: Zoo, lent: Callable[[Path], Project]) -> tuple[Project, RunFolder, ReviewQuery]:
    """A run on images of two makers, with one file that cannot be read and one image left out."""
    project = lent(zoo.made("to be reported", _make))
    folder = runs(project)[0]
    return project, folder, ReviewQuery(folder.name, PointRule("youden", "dark"), "dark", prevalence=0.05)


def _make(root: Path) -> None:
    for patient in range(24):
        label = ("bright", "dark")[patient % 2]
        level = 0.5 + (0.02 if label == "bright" else 0) + 0.03 * np.sin(patient * 2.4)  # some will be called wrong
        tags = {"Manufacturer": ("ACME", "Other")[patient % 3 == 0], "PatientSex": "FM"[patient % 4 // 2]}
        for number in range(2):
            path = root / "images" / label / f"p{patient}-{number}"
            write_image(path, patient=f"SECRET-{patient}", number=number, level=level, **tags)
    (root / "images" / "bright" / "broken.dcm").write_bytes(b"DICM" * 50)
    create_project(root / "study")
    with open_project(root / "study") as project:
        import_folders(project, [root / "images"])
        apply_labels(project, preview_folders(project))
        leave_out(project, [image_rows(project)[0].id], "a copy")
        train(project, make_split(project, SplitPlan(folds=3)), RECIPE)


def test_numbers_recompute_and_flow_adds_up(made: tuple[Project, RunFolder, ReviewQuery], tmp_path: Path) -> None:
    project, folder, view = made
    write_report(project, folder, tmp_path / "r.html", view, False, tmp_path / "parts")
    predictions = folder.predictions()
    area = roc_auc_score(predictions.true, predictions.probabilities[:, 1])
    with (tmp_path / "parts" / "figures.csv").open(encoding="utf-8") as file:
        figures = {row["Figure"]: row for row in csv.DictReader(file)}
    assert figures["AUC"]["Estimate"].startswith(f"{area:.3f} (95 % ")
    assert "PPV at the prevalence given" in figures
    with (tmp_path / "parts" / "confusion.csv").open(encoding="utf-8") as file:
        counts = np.array([row[1:] for row in list(csv.reader(file))[1:]], dtype=int)
    assert counts.sum() == len(predictions.images)
    with (tmp_path / "parts" / "characteristics.csv").open(encoding="utf-8") as file:
        rows = {row[0]: row[1:] for row in csv.reader(file)}
    assert [int(each) for each in rows["Images"]] == counts.sum(axis=1).tolist()
    assert "Manufacturer: ACME" in rows and "Sex: F" in rows
    steps = flow_steps(gather(project, folder, view, Monitor()))
    numbers = [[int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*", text)] for text, _ in steps]
    assert numbers[0][0] == 49 and numbers[1][0] == 48 and numbers[2][0] == 47 == numbers[-1][0]
    assert "1 left out" in steps[2][1] and "1 were no X-ray" in steps[1][1]
    for name in ("roc", "precision-recall", "calibration", "decision", "histogram", "flow", "confusion", "subgroups"):
        ElementTree.parse(tmp_path / "parts" / f"{name}.svg")
        assert len(PdfDocument(tmp_path / "parts" / f"{name}.pdf")) == 1


def test_the_pdf_has_text_vectors_and_its_warning_on_every_page(
    made: tuple[Project, RunFolder, ReviewQuery], tmp_path: Path
) -> None:
    project, folder, view = made
    write_report(project, folder, tmp_path / "r.pdf", view, True, None)
    document = PdfDocument(tmp_path / "r.pdf")
    texts = [page.get_textpage().get_text_range() for page in document]
    assert len(texts) > 4 and all(RESEARCH_USE in text for text in texts)
    whole = "\n".join(texts)
    for words in ("ROC curve", "1 − specificity", "CLAIM 2024", "TRIPOD+AI", "Cohen's kappa", folder.name, AUTHOR):
        assert words in whole, words
    assert "SECRET" not in whole and "^Name" not in whole
    pictures = sum(1 for page in document for each in page.get_objects() if type(each).__name__ == "PdfImage")
    wrong = re.search(r"(\d+) of 47 images were predicted wrong", whole)
    assert wrong and pictures == min(20, int(wrong[1])) > 0, "images alone are pictures; figures are vectors"


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_a_figure_taller_than_a_page_is_shrunk_to_fit(
    made: tuple[Project, RunFolder, ReviewQuery], tmp_path: Path
) -> None:
    """Found with images of which each named another maker, model and body part."""
    project, folder, view = made
    with project.db as db:
        for column in ("manufacturer", "model", "body_part", "view_position"):
            db.execute(f"UPDATE image SET {column} = 'other ' || id")
    write_report(project, folder, tmp_path / "r.pdf", view, False, None)
    assert "AUC by subgroup" in "".join(
        page.get_textpage().get_text_range() for page in PdfDocument(tmp_path / "r.pdf")
    )


def test_the_html_fetches_nothing_and_escapes_names(
    made: tuple[Project, RunFolder, ReviewQuery], tmp_path: Path
) -> None:
    project, folder, view = made
    path = write_report(project, folder, tmp_path / "r.html", view, True, None)
    text = path.read_text("utf-8")
    links = _Links()
    links.feed(text)
    assert all(each.startswith(("data:", "#")) for each in links.found)
    assert "<script" not in text and text.count("<svg") >= 8 and RESEARCH_USE in text and "SECRET" not in text


def test_checklists_are_whole_and_honest(made: tuple[Project, RunFolder, ReviewQuery]) -> None:
    document = report(gather(*made, Monitor()), False)
    tables = {block.name: block for block in document.blocks if isinstance(block, Table)}
    assert [row[0] for row in tables["claim-2024"].rows] == [str(number) for number in range(1, 45)]
    assert len(tables["tripod-ai"].rows) == 27
    by_item = {row[0]: row[2] for row in tables["claim-2024"].rows}
    assert by_item["34"] == AUTHOR == by_item["44"], "nobody can know these but the author"
    assert "by patient" in by_item["19"] and by_item["37"].startswith("AUC 0.")
    assert by_item["33"] == AUTHOR, "no external test, no claim of one"
    assert sum(isinstance(block, Drawing) for block in document.blocks) == 8


def test_later_changes_of_labels_are_told(made: tuple[Project, RunFolder, ReviewQuery]) -> None:
    project, folder, view = made
    image = int(folder.predictions().images[0])
    label = folder.predictions().classes[folder.predictions().true[0]]
    set_labels(project, {image: "bright" if label == "dark" else "dark"}, "x")
    text = "\n".join(
        str(getattr(block, "text", "")) for block in report(gather(project, folder, view, Monitor()), False).blocks
    )
    assert "1 label of these images has been changed since" in text


def test_what_cannot_be_written_leaves_nothing(made: tuple[Project, RunFolder, ReviewQuery], tmp_path: Path) -> None:
    project, folder, view = made
    for target, words in ((tmp_path / "r.docx", "pdf"), (tmp_path / "no" / "r.pdf", "folder")):
        with pytest.raises(CannotWriteThere, match=words):
            write_report(project, folder, target, view, False, None)

    class Late(Monitor):
        asked = 0

        def check(self) -> None:
            self.asked += 1
            if self.asked == 2:
                raise Cancelled

    with pytest.raises(Cancelled):
        write_report(project, folder, tmp_path / "r.pdf", view, False, None, monitor=Late())
    assert not [path for path in tmp_path.iterdir() if "r.pdf" in path.name]


def test_several_classes_and_a_report_without_a_class_of_its_own(
    project: Project, images: Callable[..., Path], tmp_path: Path
) -> None:
    import_folders(project, [images(patients=24, each=1)])
    apply_labels(project, preview_folders(project))
    some = [row.id for row in image_rows(project)][:8]
    set_labels(project, dict.fromkeys(some, "grey & <other>"), "x")
    folder = train(project, make_split(project, SplitPlan(folds=3)), RECIPE)
    path = write_report(project, folder, tmp_path / "r.html", ReviewQuery(folder.name, PointRule()), False, None)
    text = path.read_text("utf-8")
    assert "Hand-Till M" in text and "grey &amp; &lt;other&gt;" in text and "<other>" not in text
    assert io.StringIO(text).readline().startswith("<!doctype html>")


def test_it_tells_the_runs_own_point(made: tuple[Project, RunFolder, ReviewQuery]) -> None:
    project, folder, view = made

    def text() -> str:
        own = ReviewQuery(folder.name, rule_of(folder))
        return " ".join(each.text for each in report(gather(project, folder, own, Monitor()), False).blocks
                        if isinstance(each, Paragraph))  # fmt: skip

    assert "operating point counts: An image counts as its most probable class." in text()
    point = point_by_rule(folder, view.rule)
    keep_point(project, folder, view.rule, point)
    told = text()
    assert f"counts: An image counts as “dark” from {point.threshold:.3f} on (Youden's index)." in told
    assert "chosen on out-of-fold predictions and is kept with the run" in told and "Predicted as “dark” from" in told
