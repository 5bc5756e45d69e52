"""CLAIM 2024 and TRIPOD+AI: what the report itself can answer, and what the author must.

Items in short words of our own; the published checklists (Tejani 2024; Collins 2024) are what counts.
"""

from __future__ import annotations

import json
from importlib import resources

from core.export.report.document import Table
from core.export.report.facts import Facts, flow_steps
from core.project.reader_desk import readings
from core.project.splits import EXTERNAL

AUTHOR = "— for the author to supply —"


def checklist_tables(facts: Facts) -> list[Table]:
    """One table a checklist."""
    text = resources.files("resources").joinpath("checklists.json").read_text("utf-8")
    answers = _answers(facts)
    return [
        Table(
            name.lower().replace(" ", "-").replace("+", "-"),
            name,
            ("Item", "Asks for", "This study"),
            [(each["item"], each["asks"], answers.get(each["fill"], "") or AUTHOR) for each in items],
            f"{sum(bool(answers.get(each['fill'])) for each in items)} of {len(items)} items are answered from the"
            " project, in part or whole; read each before you submit it.",
        )
        for name, items in json.loads(text).items()
    ]


def _answers(facts: Facts) -> dict[str, str]:
    metrics, recipe, judged = facts.metrics, facts.recipe, facts.judgement
    network, split = metrics["backbone"], metrics["split"]
    area = judged.figures.auc
    scratch = recipe["mode"] == "scratch"
    kind = {"frozen": "with its stages frozen and its last layer replaced",
            "finetune": f"with the first {recipe['tuning']['frozen_stages']} stages frozen and the rest fine-tuned",
            "scratch": "trained from random weights"}[recipe["mode"]]  # fmt: skip
    libraries = ", ".join(f"{name} {number}" for name, number in metrics["environment"].items())
    if split["kind"] == EXTERNAL:
        kind += ", trained elsewhere and judged here (external validation)"
    how = (
        f"{split['folds']} folds" if split["kind"] == "folds" else "training, validation and test parts"
    ) + f" by patient, seed {split['seed']}"
    images, patients = judged.images, judged.patients
    external = facts.test is not None and bool(split.get("by"))
    read = readings(facts.project, facts.folder.name)
    augmented = recipe["augment"]["views"] or recipe["mode"] != "frozen"
    return {
        "technology": f"Deep learning: convolutional network {network['title']}, {kind}.",
        "objective": "External validation of a model made elsewhere."
        if split["kind"] == EXTERNAL
        else "Development, with internal validation" + (" and a sealed test set." if facts.test else "."),
        "sources": "X-rays imported from DICOM files; centres and dates are for the author to add.",
        "exclusions": "; ".join(out for _, out in flow_steps(facts) if out)
        + ". The criteria are for the author to add.",
        "preprocessing": f"Modality and VOI LUT of each file applied, polarity unified, 8 bit, the whole film on a black"
        f" square of {network['side']} pixels; data checks for copies, faulty films and doubtful labels.",
        "subsets": "The whole film is used; no region is cropped.",
        "deidentification": "Films are known by a pseudonym and hashes keyed for the project; no name, number or date of"
        " birth is stored.",
        "missing": "Images without a certain label take no part; attributes that are not stated form a group of their own.",
        "acquisition": "Modality, view and manufacturer are in the table of characteristics; exposure is for the author.",
        "annotations": f"Labels “{metrics['label_set']}” of the project; who made them is for the author to add.",
        "predictors": "The pixels of the film alone.",
        "test_annotation": "As the other labels; fixed when the test set was sealed." if facts.test else "",
        "variability": f"{len(read):,} blinded readings at the reader desk." if read else "",
        "split": f"At random, stratified by label, in {how}"
        + (f", apart by {split['by']}." if split.get("by") else "."),
        "disjoint": "Patient, study and picture: images of a patient, a study or of near-identical content stay together.",
        "sample_size": f"{images:,} images of {patients:,} patients at hand; the planner gives what narrower intervals need.",
        "model": f"{network['title']}, {kind}; input {network['side']} × {network['side']}, one gray channel;"
        f" {recipe['pooling']} pooling of every stage; {recipe['head']['kind']} last layer.",
        "software": libraries + f", Fineray {metrics['fineray']}.",
        "initialisation": "Random weights."
        if scratch
        else f"ImageNet weights, SHA-256 {network['weights_sha256'][:16]}…",
        "training": f"Loss {recipe['loss']['kind']}; "
        + ("augmented views; " if augmented else "no augmentation; ")
        + "regularisation chosen by inner folds by patient; temperature scaling out of sample; seed "
        f"{recipe['seed']}. The whole recipe is in this report.",
        "selection": "Strength of regularisation by inner folds of the training patients; nothing was chosen on images"
        " that the figures are of.",
        "ensembling": "Weights averaged over steps and with the pretrained ones."
        if recipe["mode"] == "finetune"
        else "None.",
        "imbalance": {"none": "Classes weigh as they come."}.get(
            recipe["loss"]["balance"], f"Balanced by {recipe['loss']['balance']}."
        ),
        "metrics": "AUC, sensitivity, specificity, PPV, NPV, F1, balanced accuracy, MCC, kappa, average precision, Brier"
        " score, calibration, net benefit.",
        "uncertainty": "95 % intervals by patient: DeLong-Obuchowski for AUC, Wilson for shares, bootstrap over patients"
        f" otherwise ({recipe['bootstrap']:,} resamples, seed {recipe['seed']}).",
        "robustness": "Figures by subgroup, with a test for interaction corrected after Holm.",
        "explainability": "Grad-CAM and occlusion with checks by randomised weights and deletion.",
        "internal": f"Out-of-sample predictions of {metrics['images']:,} images in {how}.",
        "external": f"Sealed test set apart by {split['by']}." if external else "",
        "test_difference": "The test part is apart by " + split["by"] + "." if split.get("by") else "",
        "flow": "See the data flow diagram of this report.",
        "events": f"{judged.figures.positives:,} images of “{judged.positive}” among {images:,}.",
        "characteristics": "See the table of characteristics.",
        "results": _interval("AUC", area.value, area.low, area.high)
        + "; all figures and subgroups are in this report.",
        "diagnostic": _interval("Sensitivity", *_ends(judged.figures.sensitivity))
        + "; "
        + _interval("specificity", *_ends(judged.figures.specificity))
        + ".",
        "failures": f"{judged.figures.false_negatives:,} missed and {judged.figures.false_positives:,} falsely called images;"
        " the most confident of them are listed.",
        "fairness": "Figures by sex, age band and other attributes; judging them is for the author.",
        "output": f"Calibrated probabilities; called by: {judged.point.chosen_by}.",
        "updating": "None.",
        "limits": "See the section on limits, to which the author should add.",
        "protocol": f"Run {facts.folder.name}; data hash {metrics['data_sha256'][:16]}…, split hash {split['hash'][:16]}….",
        "availability": "Fineray is open source (Apache-2.0); data and model are for the author to say.",
    }


def _ends(estimate: object) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high  # type: ignore[attr-defined]


def _interval(name: str, value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return f"{name} not defined"
    return f"{name} {value:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else "")
