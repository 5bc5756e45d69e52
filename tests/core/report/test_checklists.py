"""Each item of both checklists says what a record shows, or is left to the author.

Item by item for a study in which nothing optional was done and for one in which everything was; then one thing at a
time: how sides came apart, weights, modes, data checks of other images, maps, trials, a model from elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fineray.backbones.catalogue import (
    TIMM,
    Backbone,
    WeightPack,
    backbone,
    weights_source,
)
from fineray.checks.check_result import CHECKS, last_checked, last_checks
from fineray.checks.run import run_checks
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.evaluation.subgroups import AttributeSubgroups
from fineray.explaining.explain import explain
from fineray.explaining.kept import EXPLANATIONS
from fineray.package.card import backbone_words
from fineray.package.contents import export_package
from fineray.package.opening import open_package
from fineray.prediction.validation import validate
from fineray.progress import Monitor
from fineray.project.catalogue import labelled_images
from fineray.project.changes import leave_out, set_labels, undo
from fineray.project.label_sets import add_label_set, use_label_set
from fineray.project.project import Project, open_project
from fineray.project.runs import RunFolder, parts_of_run, run
from fineray.project.seal import SETTING
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.project.splitting.sealing import seal_test
from fineray.project.splitting.split_file import read_split, write_split
from fineray.report.answers_data import CHECK_WORDS
from fineray.report.checklist import ANSWERS, AUTHOR, checklist_tables
from fineray.report.content import report
from fineray.report.document import Paragraph, Table
from fineray.report.facts import Facts
from fineray.report.writing import gather
from fineray.review.query import ReviewQuery
from fineray.training.choosing.ranking import rank
from fineray.training.opening import freeze, open_test
from fineray.training.recipe import (
    AugmentSettings,
    LossSettings,
    Recipe,
    Tuning,
)
from fineray.training.train import train
from fineray.training.tuning.rate_finder import find_rate
from tests.core.report.studies import (
    CHOSEN,
    PLAIN,
    do_everything,
    make_study,
)
from tests.support.studies import Zoo, lend

RULE = PointRule("youden", "dark")
QUICK = Tuning(epochs=1, frozen_stages=7, blend=1.0, averaging=0.0)


@dataclass(frozen=True)
class Studies:
    """Copies of three studies of the zoo: `bare` has no attributes, `stated` has, with `everything` all was done."""

    zoo: Zoo

    @contextmanager
    def copy(self, name: str, to: Path) -> Iterator[Project]:
        with open_project(lend(self.zoo.made(f"{name} study", lambda root: self._make(name, root)), to)) as project:
            yield project

    def _make(self, name: str, root: Path) -> None:
        if name == "everything":
            with self.copy("stated", root / "study") as project:
                do_everything(project)
        else:
            make_study(root, 48 if name == "stated" else 24, stated=name == "stated")


@pytest.fixture
def studies(zoo: Zoo) -> Studies:
    return Studies(zoo)


@pytest.fixture
def stated(studies: Studies, tmp_path: Path) -> Iterator[Project]:
    with studies.copy("stated", tmp_path / "stated") as project:
        yield project


@pytest.fixture
def bare(studies: Studies, tmp_path: Path) -> Iterator[Project]:
    with studies.copy("bare", tmp_path / "bare") as project:
        yield project


def facts_of(project: Project, folder: RunFolder, *, on_test: bool = False, rule: PointRule = PointRule()) -> Facts:  # noqa: B008
    return gather(project, folder, ReviewQuery(folder.name, rule, "dark", on_test=on_test), Monitor())


def answered(facts: Facts) -> dict[str, str]:
    """`C 9` or `T 7` -> what the checklist answers."""
    claim, tripod = checklist_tables(facts)
    found = {f"C {item}": answer for item, _, answer in claim.rows}
    return found | {f"T {item}": answer for item, _, answer in tripod.rows}


def compare(found: dict[str, str], expected: dict[str, str]) -> None:
    """Item by item; a star stands for any words."""
    assert found.keys() == expected.keys()
    wrong = {
        item: (found[item], words)
        for item, words in expected.items()
        if not re.fullmatch(re.escape(words).replace(r"\*", ".*"), found[item])
    }
    assert not wrong, "\n".join(f"{item}\n  is        {one}\n  should be {two}" for item, (one, two) in wrong.items())


def text_of(facts: Facts) -> str:
    blocks = report(facts, False).blocks
    return "\n".join(each.text for each in blocks if isinstance(each, Paragraph))


BY_AUTHOR = {
    *(f"C {number}" for number in (2, 3, 4, 5, 6, 14, 15, 34, 41, 44)),
    *(f"T {item}" for item in ("1", "2", "3a-c", "17", "19", "25", "27a-c")),
}
IMAGES = "Images are known by a pseudonym of the patient and hashes keyed for the project; no name, number or date of birth is stored. Letters in the pixels stay as they are inside the project."
WEIGHTS = "Pretrained weights (as their makers publish them). Task: Naming the object in a colour photograph (1,000 classes); data: ImageNet (ILSVRC 2012): 1.28 million photographs of 1,000 kinds of objects; licence: Apache-2.0; SHA-256 579344248a93e230…"
LABELS = "Labels “label” of the project; who made them, and how, is for the author to add."
TOGETHER = "Patient, study and picture: images of a patient, of a study, or found to be copies of each other stay together (0 studies and 0 pairs of copies joined patients)."
LIMITS = "See the section on limits, to which the author should add."
CHANCE = "drawn at random, so that both sides are of the same sites, devices and time"
OPEN = "Fineray is open source (Apache-2.0); data and model are for the author to say."
FIGURES = "Sensitivity, Specificity, PPV (precision), NPV, Accuracy, F1, Balanced accuracy, MCC, Cohen's kappa, AUC, Average precision, Brier score, *net benefit."
INTERVALS = "95 % intervals: Wilson score, by patient (Sensitivity, Specificity, PPV (precision), NPV, Accuracy); bootstrap over patients (*); DeLong-Obuchowski, by patient (AUC). Bootstrap: 100 resamples; seed 0."
SITES = "apart by site: every image judged is of a site of which the model had seen nothing"


def test_a_study_in_which_nothing_optional_was_done(bare: Project) -> None:
    sources = "X-ray images: 24 from DICOM files. Centres and dates are for the author to add."
    excluded = "0 files could not be read, 0 were no X-ray or a copy; 0 left out, 0 without a certain label. The criteria are for the author to add."
    prepared = "Modality LUT, then the window of the file (24 images); 8 bit, the longest side at most 512 pixels, the whole image on a black square of 224 pixels."
    size = "24 images of 24 patients were at hand to judge on; the size intended is for the author. What narrower intervals would need is in this report."
    trained = "Trained: loss cross-entropy; no augmentation; L2 regularisation of the last layer, strength 1; temperature scaling on images held out inside the training part; seed 0. The whole recipe is in this report."
    result = "AUC * for “dark”; all figures are in this report."
    frozen = "with its stages frozen and its last layer replaced"
    expected = dict.fromkeys(BY_AUTHOR, AUTHOR) | {
        "C 1": f"Deep learning: convolutional network EfficientNet-Lite0, {frozen}.",
        "C 7": sources,
        "C 8": excluded,
        "C 9": prepared,
        "C 10": "The whole image is used; no region of interest is cropped.",
        "C 11": IMAGES,
        "C 12": "Images without a certain label take no part.",
        "C 13": "Modality in the table of characteristics; exposure and detector are for the author.",
        "C 16": LABELS,
        "C 17": AUTHOR,
        "C 18": AUTHOR,
        "C 19": "Into 3 folds, at random by patient, stratified by label, seed 0.",
        "C 20": TOGETHER,
        "C 21": size,
        "C 22": f"EfficientNet-Lite0, {frozen}; input 224 × 224, one gray channel; mean pooling of every stage; linear last layer.",
        "C 23": "python *, torch *, Fineray *.",
        "C 24": WEIGHTS,
        "C 25": trained,
        "C 26": "The project records no ranking, no search for a rate and no other run on the images judged.",
        "C 27": "None: one model judges an image.",
        "C 28": FIGURES,
        "C 29": INTERVALS,
        "C 30": AUTHOR,
        "C 31": AUTHOR,
        "C 32": f"Out-of-sample predictions of 24 images in 3 folds, {CHANCE}.",
        "C 33": AUTHOR,
        "C 35": "See the data flow diagram of this report.",
        "C 36": "See the table of characteristics by partition; clinical ones are for the author to add.",
        "C 37": result,
        "C 38": "Sensitivity *; specificity *.",
        "C 39": "* images of “dark” missed and * falsely predicted so*.",
        "C 40": LIMITS,
        "C 42": "Run run-001; data hash *…, split hash *…. A study protocol is for the author to add.",
        "C 43": OPEN,
        "T 4": "Development, with internal validation.",
        "T 5a-b": sources,
        "T 6a-c": excluded,
        "T 7": prepared,
        "T 8a-c": LABELS,
        "T 9a-c": "The pixels of the image alone.",
        "T 10": size,
        "T 11": "Images without a certain label take no part.",
        "T 12a-g": trained,
        "T 13": "Classes weigh as they come.",
        "T 14": AUTHOR,
        "T 15": "A probability of each class, scaled by a temperature of *. Predicted by most probable class.",
        "T 16": "Drawn at random, so that both sides are of the same sites, devices and time.",
        "T 18a-f": OPEN,
        "T 20a-c": "See the data flow diagram and the table of characteristics of this report.",
        "T 21": "12 images of “dark” among 24 of 24 patients.",
        "T 22": "Recipe in this report; weights in the folder run-001.",
        "T 23a-b": result,
        "T 24": AUTHOR,
        "T 26": LIMITS,
    }
    facts = facts_of(bare, run(bare, "run-001"))
    compare(answered(facts), expected)
    text = text_of(facts)
    assert "No data checks of these images are recorded." in text and "Saliency" not in text
    tables = {each.name: each for each in report(facts, False).blocks if isinstance(each, Table)}
    assert tables["partitions"].columns == ["", "Fold 1", "Fold 2", "Fold 3"] and "checks" not in tables
    assert [row[1:] for row in tables["partitions"].rows[:2]] == [["8", "8", "8"]] * 2
    for checklist in (tables["claim-2024"], tables["tripod-ai"]):
        told = sum(row[2] != AUTHOR for row in checklist.rows)
        assert checklist.note.startswith(f"{told} of {len(checklist.rows)} items")


@pytest.mark.integration
def test_a_study_in_which_everything_was_done(studies: Studies, tmp_path: Path) -> None:
    sources = "X-ray images: 48 from DICOM files. 3 institutions are named in the files. Centres and dates are for the author to add."
    excluded = "0 files could not be read, 0 were no X-ray or a copy; 0 left out, 0 without a certain label; 16 sealed as the test set. The criteria are for the author to add."
    looked = "images that do not say whose they are, copies and near-identical pictures, blank images, saturated images, images cut short, letters in the pixels, negatives and images unlike the rest"
    labels = "classes of too few patients, attributes of the files that go together with the label, whether these attributes alone tell the label, whether the borders of the images alone tell the label and labels that contradict the images"
    prepared = f"Modality LUT, then the window of the file (48 images); 8 bit, the longest side at most 512 pixels, the whole image on a black square of 224 pixels. Data checks (20*) of 32 of 48 images: {looked}. Of 32 of 48 images with the label used here: {labels}."
    missing = "Images without a certain label take no part."
    size = "16 images of 16 patients were at hand to judge on; the size intended is for the author. What narrower intervals would need is in this report."
    trained = "Trained: loss focal, power 2; labels smoothed by 0.1; 1 augmented view of each image (rotation, scale, shift, crop, contrast, noise); L2 regularisation of the last layer, of 2 strengths; temperature scaling on images held out inside the training part; seed 0. The whole recipe is in this report."
    result = "AUC * for “dark”; all figures and subgroups are in this report."
    frozen = "with its stages frozen and its last layer replaced"
    expected = dict.fromkeys(BY_AUTHOR, AUTHOR) | {
        "C 1": f"Deep learning: convolutional network EfficientNet-Lite0, {frozen}.",
        "C 7": sources,
        "C 8": excluded,
        "C 9": prepared,
        "C 10": "The whole image is used; no region of interest is cropped, but augmented views lose up to 10% of a side.",
        "C 11": IMAGES,
        "C 12": missing,
        "C 13": "Modality, View position and Manufacturer in the table of characteristics; exposure and detector are for the author.",
        "C 16": LABELS,
        "C 17": "Labels “label”; the test set was sealed on 20*, none was changed until these figures were made. Who made the labels is for the author to add.",
        "C 18": "1 reading by 1 reader at the reader desk, saved before the model's answer was shown. Figures of agreement are for the author to add.",
        "C 19": f"Into 3 folds, at random by patient, stratified by label and sex, seed 0. Before, 16 images of 16 patients were sealed as the test set, {SITES}.",
        "C 20": TOGETHER,
        "C 21": size,
        "C 22": f"EfficientNet-Lite0, {frozen}; input 224 × 224, one gray channel; mean pooling of every stage; hidden-layer last layer of 8 units.",
        "C 23": "python *, torch *, Fineray *.",
        "C 24": WEIGHTS,
        "C 25": trained,
        "C 26": "Strength of regularisation, of 2, in up to 3 inner folds of the training patients; backbones were ranked (EfficientNet-Lite0) on images not judged here; 1 run had predicted some of the test images before they were sealed; model and operating point were frozen on 20*, before the test set was opened.",
        "C 27": "Predictions averaged over the image and 1 view of it.",
        "C 28": FIGURES,
        "C 29": INTERVALS,
        "C 30": "Figures by sex, manufacturer and age.",
        "C 31": "2 Grad-CAM maps of 2 images (* passed), 1 occlusion map of 1 image (* passed); each was checked by randomised weights, by deletion and for evidence on borders and letters. 1 mean Grad-CAM map over several images, checked for borders and letters.",
        "C 32": f"Out-of-sample predictions of 32 images in 3 folds, {CHANCE}; AUC *.",
        "C 33": f"Sealed test set of 16 images, {SITES}.",
        "C 35": "See the data flow diagram of this report.",
        "C 36": "See the table of characteristics by partition; clinical ones are for the author to add.",
        "C 37": result,
        "C 38": "Sensitivity *; specificity *.",
        "C 39": "* images of “dark” missed and * falsely predicted so*.",
        "C 40": LIMITS,
        "C 42": "Run run-002; data hash *…, split hash *…. A study protocol is for the author to add.",
        "C 43": OPEN,
        "T 4": "Development, with internal validation and a sealed test set of other sites.",
        "T 5a-b": sources,
        "T 6a-c": excluded,
        "T 7": prepared,
        "T 8a-c": LABELS,
        "T 9a-c": "The pixels of the image alone.",
        "T 10": size,
        "T 11": missing,
        "T 12a-g": trained,
        "T 13": "Classes weigh alike in the loss.",
        "T 14": "Figures by sex and age; judging them is for the author.",
        "T 15": "A probability of each class, scaled by a temperature of *. “dark” is predicted from * on by Youden's index, fixed before the test set was opened.",
        "T 16": f"{SITES[0].upper()}{SITES[1:]}.",
        "T 18a-f": OPEN,
        "T 20a-c": "See the data flow diagram and the table of characteristics of this report.",
        "T 21": "8 images of “dark” among 16 of 16 patients.",
        "T 22": "Recipe in this report; weights in the folder run-002. The SHA-256 of its files are in this report.",
        "T 23a-b": result,
        "T 24": AUTHOR,
        "T 26": LIMITS,
    }
    with studies.copy("everything", tmp_path / "study") as project:
        facts = facts_of(project, run(project, "run-002"), on_test=True)
        compare(answered(facts), expected)
        document = report(facts, False)
        tables = {each.name: each for each in document.blocks if isinstance(each, Table)}
        rows = {row[0]: list(row[1:]) for row in tables["partitions"].rows}
        assert tables["partitions"].columns == ["", "Development", "Sealed test set"]
        assert rows["Images"] == ["32", "16"] and rows["Label: dark"] == ["16 (50%)", "8 (50%)"]
        assert tables["readers"].rows == [("AB", "1")]
        text = text_of(facts)
        assert "Saliency maps show" in text and "does not show that any image judged is of another" not in text
        own = answered(facts_of(project, run(project, "run-002"), rule=PointRule("threshold", "dark", 0.4)))
        assert own["C 33"] == AUTHOR == own["C 17"], "the sealed images are no part of these figures"
        assert "ranked (EfficientNet-Lite0) on 32 of the images that the figures are of" in own["C 26"]
        assert "run-001 of this project predicted images that the figures are of too" in own["C 26"]
        assert own["T 15"].endswith(
            "by threshold given by hand; whether it was fixed before the figures were seen is for the author."
        )
        with project.db as db:
            db.execute("UPDATE image SET sex = '' WHERE id = ?", (int(facts.shown.images[0]),))
        unstated = answered(facts_of(project, run(project, "run-002"), on_test=True))
        assert unstated["C 12"].endswith("Attributes that are not stated form a subgroup of their own.")
        tested = AttributeSubgroups("sex", "Sex", facts.judgement.subgroups[0].subgroups, 0.02, 0.04)
        more = replace(facts, judgement=replace(facts.judgement, subgroups=(tested,)))
        assert ANSWERS["robustness"](more) == (
            "Figures by sex; interaction with the AUC tested for sex, corrected after Holm."
        )


def test_every_answer_is_asked_for_and_every_question_has_one() -> None:
    from importlib import resources

    lists = json.loads(resources.files("fineray_resources").joinpath("checklists.json").read_text("utf-8"))
    assert {each["fill"] for items in lists.values() for each in items} - {""} == set(ANSWERS)


AUTHORS = {"C 33": AUTHOR}
WAYS = {
    "by manufacturer": (
        SplitPlan("folds", by="manufacturer"),
        AUTHORS
        | {
            "C 19": "Into 2 folds, one for each value of manufacturer, whole patients; nothing was drawn at random.",
            "C 32": "Out-of-sample predictions of 48 images in 2 folds, apart by device (manufacturer); they may be of the same hospital.",
            "T 16": "Apart by device (manufacturer); they may be of the same hospital.",
            "T 4": "Development, with internal validation.",
        },
    ),
    "by date": (
        SplitPlan("holdout", by="study_date", test_share=0.25),
        AUTHORS
        | {
            "C 19": "Into a test part (the patients first seen last) and, of the rest, training and validation parts at random by patient, stratified by label, seed 0.",
            "C 32": "Predictions of the 12 images of the test part, apart by time: the patients judged were first seen later.",
            "C 26": "Strength of regularisation, of 2, on the validation part; *",
            "T 15": "*by Youden's index, chosen on the validation part.",
        },
    ),
    "by site": (
        SplitPlan("folds", by="site_hash"),
        {
            "C 19": "Into 3 folds, one for each value of site, whole patients; nothing was drawn at random.",
            "C 32": AUTHOR,
            "C 33": f"48 images, {SITES}.",
            "T 4": "Development, validated between sites.",
            "T 15": "*by Youden's index, chosen for each fold on the others.",
        },
    ),
    "by chance, held out": (
        SplitPlan("holdout"),
        AUTHORS
        | {
            "C 19": "Into training, validation and test parts, at random by patient, stratified by label, seed 0.",
            "C 32": f"Predictions of the * images of the test part, {CHANCE}.",
            "C 25": "*temperature scaling on the validation part;*",
        },
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_how_sides_came_apart(way: str, stated: Project) -> None:
    plan, expected = WAYS[way]
    facts = facts_of(stated, train(stated, make_split(stated, plan), CHOSEN), rule=RULE)
    found = answered(facts)
    compare({item: found[item] for item in expected}, expected)
    assert ("does not show that any image judged is of another" in text_of(facts)) == (way != "by site")
    columns = next(each for each in report(facts, False).blocks if getattr(each, "name", "") == "partitions").columns
    parts = ["Training", "Validation", "Test"]
    assert list(columns[1:]) == (parts if plan.kind == "holdout" else [f"Fold {n}" for n in range(1, len(columns))])


def test_sites_that_are_shared_or_not_stated_are_not_external(stated: Project) -> None:
    folder = train(stated, make_split(stated, SplitPlan("folds", by="site_hash")), PLAIN)
    site = dict(stated.db.execute("SELECT id, site_hash FROM image"))
    one, other = (min(image for image, its in parts_of_run(stated, folder).items() if its == part) for part in "12")
    # A file that names no site, which may be that of any other; one that names the site of another fold.
    for named, doubtful in (("", 33), (site[other], 17)):
        with stated.db as db:
            db.execute("UPDATE image SET site_hash = ? WHERE id = ?", (named, one))
        found = answered(facts_of(stated, folder))
        assert found["C 33"] == AUTHOR
        assert f"apart by site, but of {doubtful} images judged it is not shown" in found["C 32"]


def test_a_split_from_a_file_and_one_that_is_gone(stated: Project, tmp_path: Path) -> None:
    split = make_split(stated, SplitPlan("holdout"))
    write_split(stated, split, tmp_path / "split.csv")
    folder = train(stated, read_split(stated, tmp_path / "split.csv"), PLAIN)
    found = answered(facts_of(stated, folder))
    assert found["C 19"].startswith("Into training, validation and test parts as a file of the author says, by patient")
    assert "random" not in found["C 19"] + found["C 32"] and found["T 16"] == AUTHOR
    undo(stated)
    undo(stated)
    gone = facts_of(stated, folder)
    assert answered(gone)["C 36"] == AUTHOR, "no table, no pointer to it"
    assert "the rest of the split is not kept any more" in answered(gone)["C 8"]
    (folder.path / "split.json").write_text(json.dumps({"format": 1, "hash": folder.split_hash()}), "utf-8")
    assert answered(facts_of(stated, folder))["C 20"] == "Patient.", "an early version looked for no copies"


def test_a_sealed_set_is_external_only_where_its_sites_are_others(stated: Project) -> None:
    seal_test(stated, SplitPlan("holdout", by="manufacturer", test_values=("ACME",)))
    folder = train(stated, make_split(stated, SplitPlan("folds", by="site_hash")), PLAIN)
    freeze(stated, folder.name, OperatingPoint("dark", 0.4, "threshold given by hand"))
    open_test(stated, folder.name, Monitor())
    found = answered(facts_of(stated, folder, on_test=True))
    device = "apart by device (manufacturer); they may be of the same hospital"
    assert found["C 33"] == AUTHOR and found["C 32"] == f"Sealed test set of 24 images, {device}."
    assert found["T 15"].endswith("by threshold given by hand, fixed before the test set was opened.")
    figures = json.loads((folder.path / "test_metrics.json").read_text("utf-8"))
    figures["seal"]["by"] = None  # as an earlier version kept it
    figures["labels_changed"] = 2
    figures["opening"] = 3
    (folder.path / "test_metrics.json").write_text(json.dumps(figures), "utf-8")
    found = answered(facts_of(stated, folder, on_test=True))
    assert "; how it was chosen is not recorded" in found["C 32"] and "how they were chosen is not" in found["C 19"]
    assert "2 of them were changed between the sealing and these figures" in found["C 17"]
    assert found["C 26"].startswith("The test set had been opened before, 2 times")
    row = json.loads(stated.db.execute("SELECT value FROM setting WHERE name = ?", (SETTING,)).fetchone()[0])
    assert row["by"] == "manufacturer"


def test_data_checks_of_other_images_do_not_count(bare: Project) -> None:
    folder = run(bare, "run-001")
    run_checks(bare, Monitor())
    facts = facts_of(bare, folder)
    assert "Data checks (20" in answered(facts)["C 9"] and "of all 24 images" in answered(facts)["C 9"]
    assert "images unlike the rest" not in answered(facts)["C 9"], "24 images are too few for that check"
    checked = last_checked(bare.root)
    assert checked is not None and set(checked.carried_out) <= set(CHECK_WORDS)
    images = labelled_images(bare)
    leave_out(bare, [each.id for each in images[:6]], "x")
    set_labels(bare, {images[6].id: "bright" if images[6].label == "dark" else "dark"}, "x")
    run_checks(bare, Monitor())
    words = answered(facts_of(bare, folder))["C 9"]
    assert "of 18 of 24 images: " in words and "Of 17 of 24 images with the label used here" in words
    kept = json.loads((bare.root / CHECKS).read_text("utf-8"))
    others = {name: "".join("0123456789abcdef" for _ in range(18)) for name in ("pictures", "labelled")}
    for changed in (kept | {"seen": others}, {"format": 1, "findings": kept["findings"]}):
        (bare.root / CHECKS).write_text(json.dumps(changed), "utf-8")
        facts = facts_of(bare, folder)
        assert "Data checks" not in answered(facts)["C 9"] and last_checks(bare.root)
        assert "No data checks of these images are recorded." in text_of(facts)
        assert not [each for each in report(facts, False).blocks if getattr(each, "name", "") == "checks"]


def test_maps_count_once_each_with_their_checks(bare: Project) -> None:
    folder = run(bare, "run-001")
    lines = [
        {"method": "grad-cam", "class": "dark", "images": [1], "problems": ["x"], "held_out": True},
        {"method": "grad-cam", "class": "dark", "images": [1], "problems": [], "held_out": True},
        {"method": "grad-cam", "class": "dark", "images": [2], "problems": ["x"], "held_out": False},
    ]
    text = "\n".join([*map(json.dumps, lines), '{"method": "gra'])
    (folder.path / EXPLANATIONS).write_text(text, "utf-8")
    assert answered(facts_of(bare, folder))["C 31"].startswith(
        "2 Grad-CAM maps of 2 images (1 passed); each was checked"
    )
    image = int(folder.predictions().images[0])
    explain(bare, folder, image, "bright", "grad-cam", folder.predictions().parts[0], Monitor())
    assert answered(facts_of(bare, folder))["C 31"].startswith("3 Grad-CAM maps of")
    bare.read_only = PermissionError  # type: ignore[assignment]
    before = (folder.path / EXPLANATIONS).read_bytes()
    explain(bare, folder, image, "dark", "grad-cam", folder.predictions().parts[0], Monitor())
    assert (folder.path / EXPLANATIONS).read_bytes() == before, "who may only read writes nothing"


@pytest.mark.integration
def test_trials_count_where_they_looked_at_what_is_judged(bare: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fineray.training.tuning.rate_finder.STEPS", 2)
    split = make_split(bare, SplitPlan("holdout"))
    rank(bare, split, ["efficientnet_lite0"], Monitor())
    find_rate(bare, split, Recipe(mode="finetune", head=PLAIN.head, tuning=replace(QUICK, batch=2)), Monitor())
    found = answered(facts_of(bare, train(bare, split, PLAIN)))
    assert found["C 26"].startswith("Backbones were ranked (EfficientNet-Lite0) on images not judged here;")
    assert "run-001 of this project predicted images" in found["C 26"] and "learning rate" not in found["C 26"]
    folds = make_split(bare, SplitPlan(folds=3))
    facts = facts_of(bare, train(bare, folds, PLAIN))
    assert "a learning rate was looked for on" in answered(facts)["C 26"]
    assert "Backbones were ranked (EfficientNet-Lite0) on" in text_of(facts), "and among the limits"
    early = answered(facts_of(bare, run(bare, "run-001")))["C 26"]
    assert "ranked" not in early, "what was tried after a run did not choose it"
    assert "Run-002 and run-003 of this project" in early


def test_too_few_patients_leave_nothing_to_choose_by(bare: Project) -> None:
    images = labelled_images(bare)
    dark = [each.id for each in images if each.label == "dark"]
    leave_out(bare, dark[2:], "x")
    folder = train(bare, make_split(bare, SplitPlan(folds=2)), CHOSEN)
    assert folder.metrics().inner_folds == {"1": 0, "2": 0, "final": 2}
    found = answered(facts_of(bare, folder))
    assert "in up to 2 inner folds of the training patients (2 of 3 models: the strongest)" in found["C 26"]
    assert "temperature scaling on images held out inside the training part, in 1 of 3 models" in found["C 25"]


def _network(folder: RunFolder, **changed: object) -> None:
    path = folder.path / "metrics.json"
    metrics = json.loads(path.read_text("utf-8"))
    metrics["backbone"] = {name: value for name, value in (metrics["backbone"] | changed).items() if value is not None}
    path.write_text(json.dumps(metrics), "utf-8")


def test_weights_are_what_their_record_says(bare: Project) -> None:
    folder = run(bare, "run-001")

    def words(known: str, **more: str) -> str:
        source = {"task": "Bone age", "data": "12,611 hands", "licence": "CC0", "origin": "ab12", "known": known}
        _network(folder, source=source | more)
        return answered(facts_of(bare, folder))["C 24"]

    told = " Task: Bone age; data: 12,611 hands; licence: CC0; SHA-256 579344248a93e230…"
    assert words("stated") == f"Pretrained weights (as whoever added them to this computer wrote down).{told}"
    assert words("package") == f"Pretrained weights (as the package says that brought them).{told}"
    address = "https://x.org/a.bin"
    assert f"(as their makers publish them, from {address})" in words("published", origin=f"{address} ab12")
    assert words("unknown") == AUTHOR == words("published", task="")
    _network(folder, source=None)  # a run of an earlier version
    assert answered(facts_of(bare, folder))["C 24"] == WEIGHTS
    _network(folder, weights_sha256="00" * 32)
    assert answered(facts_of(bare, folder))["C 24"] == AUTHOR, "the record is of another file"


def test_who_says_what_weights_are() -> None:
    known = backbone("efficientnet_lite0")
    assert weights_source(known).known == "published"

    def known_of(name: str, origin: str, file: str = "x.safetensors", of: Backbone = known) -> str:
        return weights_source(replace(of, name=name, weights=WeightPack(file, "ff" * 32, origin=origin))).known

    assert known_of("Hands", "my file.pth ab12") == "stated"
    assert known_of("efficientnet_lite0", "mine.pth ab12") == "stated", "a name alone proves nothing"
    assert known_of("efficientnet_lite0", f"lite.pth {known.weights.sha256}") == "published"
    assert known_of(f"{TIMM}resnet26", "mine.pth ab12") == "unknown"
    assert known_of(f"{TIMM}resnet26", "https://huggingface.co/x ab12") == "published"
    assert known_of("efficientnet_lite0", "", "/runs/run-001/backbone.safetensors") == "package"
    assert "my file" not in weights_source(replace(known, weights=WeightPack("x", "f", origin="my file ab"))).origin


def test_a_model_card_claims_no_weights_that_nobody_knows() -> None:
    facts = {"mode": "scratch", "backbone": {"title": "X", "source_task": "Naming", "licence": "MIT"}}
    assert backbone_words(facts) == "X, from random weights"
    facts["mode"] = "frozen"
    assert backbone_words(facts) == "X, pretrained for: naming (licence of its weights: MIT)"
    facts["backbone"] = {"title": "X", "source_task": "", "licence": ""}
    assert backbone_words(facts) == "X, pretrained; what for is not recorded"


@pytest.mark.integration
def test_modes_and_what_a_search_chose(bare: Project, studies: Studies) -> None:
    split = make_split(bare, SplitPlan("holdout"))
    still = AugmentSettings(0, 0, 0, 0, 0, 0)
    scratch = Recipe(
        mode="scratch", head=PLAIN.head, tuning=replace(QUICK, frozen_stages=0), augment=still, bootstrap=100
    )
    found = answered(facts_of(bare, train(bare, split, scratch)))
    assert found["C 24"] == "Random weights, seed 0." and "trained from random weights" in found["C 22"]
    assert "no augmentation; weight decay 0.02; 1 epochs in batches of 16" in found["C 25"]
    assert found["C 26"].startswith("The epoch with the best AUC on the validation part")
    assert found["C 27"] == "None: one model judges an image." and "inner folds" not in found["C 25"] + found["C 26"]
    folds = make_split(bare, SplitPlan(folds=2))
    tuned = Recipe(mode="finetune", head=PLAIN.head, tuning=replace(QUICK, blend=0.5), shuffled=True, bootstrap=100)
    facts = facts_of(bare, train(bare, folds, tuned))
    found = answered(facts)
    assert "with the first 7 stages frozen and the rest fine-tuned" in found["C 1"]
    assert found["C 1"].endswith("A control: it learned from labels in another order.")
    assert "no temperature scaling" in found["C 25"] and "epoch with the best" not in found["C 26"]
    assert found["C 27"] == "Blended with those that training began from (50% tuned)."
    assert found["T 15"].startswith("A probability of each class. Predicted"), "nothing was scaled"
    assert "The model is a control" in text_of(facts)
    searched = replace(PLAIN, search_minutes=0.001)
    found = answered(facts_of(bare, train(bare, folds, searched)))
    assert (
        "Settings searched for each fit in inner folds of its training patients by log loss (3 trials" in found["C 26"]
    )
    assert found["C 22"].endswith("These are settings of the final model; each fold's search chose its own.")


def test_findings_side_by_side(bare: Project) -> None:
    images = labelled_images(bare)
    add_label_set(bare, "findings", "multi")
    chosen = use_label_set(bare, "findings")
    values = {each.id: ("a" if each.label == "dark" else "none") for each in images}
    values |= {each.id: f"{values[each.id]}|b".replace("none|", "") for each in images[::3]}
    values[images[1].id] = "b?"
    set_labels(bare, values, "x", chosen.id)
    recipe = replace(PLAIN, loss=LossSettings(uncertain="softened", certainty=0.75))
    folder = train(bare, make_split(bare, SplitPlan(folds=2)), recipe)
    facts = gather(bare, folder, ReviewQuery(folder.name, PointRule(), "b", finding="b"), Monitor())
    found = answered(facts)
    assert found["C 12"] == (
        "Images without a label take no part; a doubtful finding judges nothing and is learned from as 0.75."
    )
    assert "stratified by the rarest finding of each image" in found["C 19"]
    assert found["T 15"].startswith("A probability of each finding") and "for “b”" in found["C 37"]
    rows = {row[0]: row for block in report(facts, False).blocks if getattr(block, "name", "") == "partitions"
            for row in block.rows}  # fmt: skip
    assert {"Label: a", "Label: b"} <= rows.keys()


def test_a_model_of_another_project(bare: Project, stated: Project, tmp_path: Path) -> None:
    export_package(bare, run(bare, "run-001"), tmp_path / "m.frpkg")
    brought = open_package(tmp_path / "m.frpkg", stated.root).run  # half of its images are the same
    facts = facts_of(stated, validate(stated, run(stated, brought), Monitor()))
    found = answered(facts)
    elsewhere = {
        "C 1": "*, trained in another project and judged here.",
        "C 19": AUTHOR,
        "C 20": "Image: 24 images whose pixels the model had learned from were left out. Whether patients are the same is for the author.",
        "C 23": "Judged with Fineray *; trained with python *",
        "C 24": "Pretrained weights (as *). Task: Naming the object in a colour photograph (1,000 classes);*",
        "C 25": "Trained in the project that it comes from: *",
        "C 26": "Nothing was chosen here: the model came as it is.",
        "C 32": "Where the model was made, as its package says: AUC * on 24 images.",
        "C 33": "24 images of this project judged by a model of another project, which had not learned from them. Whether they are of another institution than those it learned from is for the author.",
        "C 36": AUTHOR,
        "T 4": "Evaluation of a model that was made in another project.",
        "T 16": AUTHOR,
        "T 24": "None: the model was used as it came.",
    }
    compare({item: found[item] for item in elsewhere}, elsewhere)
    text = text_of(facts)
    assert "none of whom the judging model had seen" not in text and "opened from a package" in text


def test_a_model_of_this_project_on_later_images_is_not_external(bare: Project, tmp_path: Path) -> None:
    from fineray.project.files.importing import import_folders
    from fineray.project.labels.preview import apply_labels, preview_folders
    from tests.core.report.studies import write_study

    folder = run(bare, "run-001")
    explain(bare, folder, 1, "dark", "grad-cam", "1", Monitor())
    import_folders(bare, [write_study(tmp_path / "later", 60, stated=False)])
    apply_labels(bare, preview_folders(bare))
    assert "not in the split of this run" in answered(facts_of(bare, folder))["C 8"], "they came after the split"
    found = answered(facts_of(bare, validate(bare, folder, Monitor())))
    assert found["C 33"] == AUTHOR == found["C 31"], "the maps were made of the other run"
    assert found["C 32"] == "Predictions of 36 images of this project that the model had not learned from."
    assert found["T 4"] == "Evaluation of a model of this project on images that it had not learned from."
    assert "from a package" not in text_of(facts_of(bare, run(bare, "run-002")))
