"""What stands in the report of a run."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from fineray import RESEARCH_USE
from fineray.evaluation.intervals import Estimate
from fineray.evaluation.wording import METRICS, with_interval
from fineray.project.catalogue import places_of
from fineray.project.kept_point import CHOSEN_ON, kept_points, point_of
from fineray.project.labels.readings import decisions, readers, readings
from fineray.project.labels.revisions import changed_since
from fineray.report import answers_data, answers_model
from fineray.report.answers_model import chosen_where, compared_on_judged
from fineray.report.checklist import checklist_tables
from fineray.report.document import (
    Block,
    Document,
    Drawing,
    Heading,
    Paragraph,
    Pictures,
    Table,
)
from fineray.report.facts import (
    Facts,
    flow_steps,
    partition_tables,
    table_one,
)
from fineray.report.figures import (
    confusion,
    curve_figures,
    flow,
    forest,
)
from fineray.review.query import ReviewedRun

WORST, THUMBNAIL = 20, 160


def report(facts: Facts, thumbnails: bool) -> Document:
    """The whole document."""
    metrics, judged = facts.metrics, facts.judgement
    area = judged.figures.auc
    where = "the sealed test set" if facts.view.on_test else "held-out images"
    unseen = "none of whom the judging model had seen"
    if facts.external:  # what the model learned from is known by pixels, and not by patient
        where, unseen = "images of this project", "of which the model had learned from none"
    document = Document(
        f"{metrics.backbone.title} on “{metrics.label_set}”",
        f"Run {facts.folder.name} of {metrics.created[:10]}, project data {metrics.data_sha256[:12]}",
        RESEARCH_USE,
    )
    add = document.blocks.extend
    add([
        Paragraph(
            f"On {where} ({judged.images:,} images of {judged.patients:,} patients, {unseen}), the AUC for"
            f" “{judged.positive}” is {with_interval(area)}. {_operating(facts)}"
        ),
        *_changed(facts),
    ])  # fmt: skip
    add(_data(facts))
    add(_method(facts))
    add(_results(facts))
    add(_failures(facts, thumbnails))
    add(_limits(facts))
    add(_environment(facts))
    add([Heading("Checklists"), *checklist_tables(facts)])
    return document


def estimates_table(name: str, title: str, found: dict[str, Estimate], note: str = "") -> Table:
    """Figures with their intervals, those that are defined."""
    rows = [
        (METRICS[key].title if key in METRICS else key, with_interval(each), f"{each.n:,}", each.method)
        for key, each in found.items()
        if each.value is not None
    ]
    return Table(name, title, ("Figure", "Estimate", "Images", "Interval by"), rows, note)


def subgroup_rows(judged: ReviewedRun) -> list[tuple[str, ...]]:
    """One row a subgroup."""
    return [
        (
            split.title,
            each.value + (" (few)" if each.small else ""),
            f"{each.images:,}",
            f"{each.positives:,}",
            with_interval(each.auc),
            with_interval(each.sensitivity),
            with_interval(each.specificity),
            "" if split.p_holm is None else f"{split.p_holm:.3f}",
        )
        for split in judged.subgroups
        for each in split.subgroups
    ]


def _operating(facts: Facts) -> str:
    point, figures = facts.judgement.point, facts.judgement.figures
    predicted = f"Predicted as “{point.positive}” from {point.threshold:.3f} on" if point.positive else "Predicted"
    return (
        f"{predicted} by {point.chosen_by}{chosen_where(facts)}, sensitivity is"
        f" {with_interval(figures.sensitivity)} and specificity {with_interval(figures.specificity)}.{_kept(facts)}"
    )


def _kept(facts: Facts) -> str:
    """What new images count as, where that is not the point of these figures alone."""
    if facts.view.on_test:
        return ""
    multilabel = facts.metrics.multilabel
    finding = (facts.view.finding or facts.metrics.classes[0]) if multilabel else ""
    own = point_of(facts.folder)
    kept = kept_points(facts.folder).get(finding)
    chosen = f" It was chosen {CHOSEN_ON[kept.chosen_on]} and is kept with the run." if kept is not None else ""
    return f" For new images the run's own operating point counts: {own.in_words(multilabel)}{chosen}"


def _changed(facts: Facts) -> list[Block]:
    predictions = facts.folder.test_predictions() if facts.test is not None else facts.folder.predictions()
    changed = len(changed_since(facts.project, facts.folder, predictions))
    if not changed:
        return []
    has = "labels of these images have" if changed > 1 else "label of these images has"
    return [Paragraph(f"Made with older labels: {changed:,} {has} been changed since.")]


def _data(facts: Facts) -> list[Block]:
    columns, rows = table_one(facts)
    blocks: list[Block] = [
        Heading("Data"),
        Drawing("flow", "Data flow", flow(flow_steps(facts)), "From the files seen to the images judged, step by step"),
        Table("characteristics", "Characteristics of the images judged, by true class", columns, rows),
    ]
    for number, (parts, cells) in enumerate(partition_tables(facts), start=1):
        name, more = ("partitions", "") if number == 1 else (f"partitions-{number}", ", continued")
        blocks.append(Table(name, f"Characteristics by partition{more}", parts, cells))
    return [*blocks, *_checks(facts)]


def _checks(facts: Facts) -> list[Block]:
    """What the data checks said of the images of this run; checks of other images do not count."""
    found = facts.record.checks
    if found is None:
        return [Paragraph("No data checks of these images are recorded.")]
    words = answers_data.checks(found)
    rows = [(each.title, each.evidence) for each in found.findings if each.severity != "fine" and each.done]
    if not rows:
        return [Paragraph(f"{words} They found nothing.")]
    return [Table("checks", "What the data checks found", ("Finding", "Evidence"), rows, words)]


def _method(facts: Facts) -> list[Block]:
    metrics = facts.metrics
    made = (
        f"{metrics.backbone.title}, mode {metrics.mode}, input {metrics.backbone.input_size} pixels, on"
        f" {metrics.device}"
    )
    if (elsewhere := metrics.external) is not None:
        left_out = ", ".join(f"{number:,} {why}" for why, number in elsewhere.left_out.items())
        brought = facts.folder.package() is not None
        origin = "was trained elsewhere" if brought else "was trained in this project before"
        run = elsewhere.trained_as or elsewhere.model
        how = " and opened from a package" if brought else ""
        return [
            Heading("Model"),
            Paragraph(
                f"The model {origin} ({run}){how}; nothing was learned on these images. Left out: {left_out}. {made}."
            ),
        ]
    openings = (
        f" The sealed test set was opened {facts.test.opening} time(s) when these figures were made."
        if facts.test
        else ""
    )
    return [
        Heading("Split and training"),
        Paragraph(
            f"{answers_data.split(facts)} {answers_data.disjoint(facts)}{openings} Split hash"
            f" {metrics.split.hash[:16]}."
        ),
        Paragraph(f"{answers_model.training(facts)} {answers_model.selection(facts)}"),
        Paragraph(f"{made}; temperature {metrics.temperature:.3f}; {metrics.seconds['total']:.0f} s."),
    ]


def _results(facts: Facts) -> list[Block]:
    judged = facts.judgement
    blocks: list[Block] = [Heading("Results")]
    prevalence = facts.view.prevalence
    there = f"PPV and NPV were also worked out for a prevalence of {prevalence:.1%}." if prevalence is not None else ""
    if judged.overall:
        blocks.append(estimates_table("overall", "Over all classes", judged.overall))
    title = f"“{judged.positive}” against the rest"
    blocks.append(estimates_table("figures", title, judged.figures.estimates(), there))
    classes = facts.shown.classes
    counts = [[name, *(f"{count:,}" for count in row)] for name, row in zip(classes, judged.confusion, strict=True)]
    blocks += [
        Drawing(
            "confusion", "Confusion matrix", confusion(classes, judged.confusion), "Counts, and shares of each row"
        ),
        Table("confusion", "Confusion matrix as a table", ("True \\ predicted", *classes), counts),
    ]
    if judged.curves is not None:
        for name, (text, figure, alt) in curve_figures(judged.curves, judged.calibration, judged.positive).items():
            blocks.append(Drawing(name, text, figure, alt, f"{judged.images:,} images; band: 95 %, over patients."))
    if judged.calibration is not None:
        found = {name: each for name, each in vars(judged.calibration).items() if isinstance(each, Estimate)}
        blocks.append(estimates_table("calibration", "Calibration", found))
    if judged.subgroups:
        columns = ("Attribute", "Value", "Images", "Positive", "AUC", "Sensitivity", "Specificity", "p (Holm)")
        blocks += [
            Heading("Subgroups", 2),
            Drawing(
                "subgroups", "AUC by subgroup", forest(judged.subgroups, judged.figures.auc.value),
                "The AUC of each subgroup with its interval; open grey marks: fewer than ten images on one side",
            ),
            Table("subgroups", "Figures by subgroup", columns, subgroup_rows(judged),
                  "p: of no difference between the AUCs of an attribute's groups, corrected after Holm."),
        ]  # fmt: skip
    plans = [
        (METRICS[each.what].title, f"{each.value:.3f}", f"{each.patients:,}", f"{each.width:.3f}", f"{each.wished:.2f}",
         f"{each.needed:,}" if each.needed else "beyond reason")
        for each in judged.plans
    ]  # fmt: skip
    note = "Images of the class for shares, all images for the AUC, as if each were another patient's."
    headings = ("Figure", "Value", "At hand", "Width at hand", "Width wished", "Needed")
    if plans:
        blocks.append(Table("plan", "What narrower intervals would need", headings, plans, note))
    return blocks


def _failures(facts: Facts, thumbnails: bool) -> list[Block]:
    shown = facts.shown
    chance = shown.probabilities[np.arange(len(shown.true)), facts.predicted]
    wrong = np.flatnonzero(facts.predicted != shown.true)
    worst = wrong[np.argsort(-chance[wrong])][:WORST].tolist()
    rows = [
        (shown.patients[row], str(shown.images[row]), shown.classes[shown.true[row]],
         shown.classes[facts.predicted[row]], f"{chance[row]:.3f}", shown.parts[row])
        for row in worst
    ]  # fmt: skip
    blocks: list[Block] = [
        Heading("Failures"),
        Paragraph(f"{len(wrong):,} of {len(shown.true):,} images were predicted wrong; the most confident are listed."),
        Table(
            "failures", "Most confidently wrong", ("Patient", "Image", "True", "Predicted", "Probability", "Part"), rows
        ),
    ]
    if thumbnails and worst:
        shown_images = [
            facts.project.pixels.read(place)
            for place in places_of(facts.project, [int(shown.images[r]) for r in worst])
        ]
        captions = [f"{shown.patients[row]}: true {shown.classes[shown.true[row]]}" for row in worst]
        blocks.append(
            Pictures(
                "These images",
                [(_png(thumbnail), text) for thumbnail, text in zip(shown_images, captions, strict=True)],
            )
        )
    read = readings(facts.project, facts.folder.name)
    if read:
        names = readers(facts.project, facts.folder.name)
        counted = [(name, str(sum(each.reader == name for each in read))) for name in names]
        note = "Each was saved before the model's answer was shown."
        blocks.append(Table("readers", "Readings at the reader desk", ("Reader", "Images"), counted, note))
    judged = set(shown.images.tolist())
    decided = [each for each in decisions(facts.project) if each.image in judged]
    if decided:
        trail = [
            (str(each.image), each.label, each.reading, each.decided, each.decided_by, each.reason) for each in decided
        ]
        columns = ("Image", "Label", "Reading", "Decided", "By", "Reason")
        note = "Decisions on images that the figures are of, whichever run they were read for."
        blocks.append(Table("decisions", "Adjudication", columns, trail, note))
    return blocks


def _limits(facts: Facts) -> list[Block]:
    judged, setting = facts.judgement, facts.setting
    limits = []
    if not setting.external:
        limits.append("The record does not show that any image judged is of another institution, which may see others.")
    if setting.kind == "chance":
        limits.append("Training and judged images come from the same sites and time.")
    limits += [f"{each[:1].upper()}{each[1:]}." for each in compared_on_judged(facts)]
    if facts.recipe["shuffled"]:
        limits.append("The model is a control: it learned from labels in another order.")
    smaller = min(judged.figures.positives, judged.figures.negatives)
    if smaller < 100:
        limits.append(f"The smaller class has {smaller:,} images; 100 or more on each side are advised for validation.")
    small = [f"{split.title} {each.value}" for split in judged.subgroups for each in split.subgroups if each.small]
    if small:
        limits.append(f"Too few images to judge: {', '.join(small)}.")
    limits.append("Labels may be wrong; the figures are no better than they are.")
    if facts.record.maps:
        limits.append("Saliency maps show what the model weighed, not where disease is.")
    return [Heading("Limits"), *(Paragraph(f"• {text}") for text in limits)]


def _environment(facts: Facts) -> list[Block]:
    metrics = facts.metrics
    where = " (training)" if facts.external else ""
    libraries = ((f"{name}{where}", number) for name, number in metrics.environment.items())
    rows = [("Fineray", metrics.fineray), *libraries, ("Device", metrics.device)]
    rows += [
        ("Data SHA-256", metrics.data_sha256),
        ("Weights SHA-256", metrics.backbone.weights_sha256 or "none: random weights"),
    ]
    frozen = facts.folder.frozen()
    if frozen is not None:
        rows += [(f"{name} SHA-256", digest) for name, digest in frozen.hashes.items()]
    recipe = [(name, _plain(value)) for name, value in _flat(facts.recipe)]
    return [
        Heading("Recipe and environment"),
        Table("recipe", "Recipe", ("Setting", "Value"), recipe),
        Table("environment", "Versions and hashes", ("What", "Value"), rows),
    ]


def _flat(settings: dict[str, Any], before: str = "") -> Sequence[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in settings.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, dict) else [(before + name, value)]
    return found


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _png(thumbnail: np.ndarray) -> bytes:
    small = Image.fromarray(thumbnail)
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    target = io.BytesIO()
    small.save(target, "PNG")
    return target.getvalue()
