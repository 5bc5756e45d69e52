"""What the checklists ask of the data: each answer follows from what is recorded, or is left to the author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fineray.dicom.picture import PICTURE_FORMATS
from fineray.label_values import LabelSetUnusable
from fineray.project.attributes import DATE, NOT_STATED, raw_values
from fineray.project.label_sets import label_set
from fineray.project.labels.readings import readings
from fineray.project.patients.identify import kept_rule
from fineray.project.patients.rule import APART_BY
from fineray.report.facts import (
    Facts,
    flow_steps,
    partition_tables,
    table_one,
)
from fineray.report.record import Coverage

CHECK_WORDS = {
    "identity": "images that do not say whose they are",
    "copies": "copies and near-identical pictures",
    "blank": "blank images",
    "saturated": "saturated images",
    "cut": "images cut short",
    "text": "letters in the pixels",
    "polarity": "negatives",
    "outliers": "images unlike the rest",
    "class sizes": "classes of too few patients",
    "attributes": "attributes of the files that go together with the label",
    "attributes alone": "whether these attributes alone tell the label",
    "borders alone": "whether the borders of the images alone tell the label",
    "labels": "labels that contradict the images",
}
FIRST_IN_TABLE = ("Modality", "View position", "Manufacturer", "Laterality")


def sources(facts: Facts) -> str:
    """Where the images come from."""
    kinds = _values(facts, "transfer_syntax")
    pictures = sum(kinds.get(name, 0) for name in PICTURE_FORMATS)
    files = sum(kinds.values()) - pictures
    told = [f"{files:,} from DICOM files"] * bool(files) + [f"{pictures:,} from PNG, JPEG or TIFF pictures"] * bool(
        pictures
    )
    sites = {site for site in _values(facts, "site_hash") if site}
    named = f" {len(sites):,} institution{'s are' if len(sites) > 1 else ' is'} named in the files." if sites else ""
    return f"X-ray images: {', '.join(told)}.{named} Centres and dates are for the author to add."


def exclusions(facts: Facts) -> str:
    """What went out on the way, with numbers."""
    out = "; ".join(text for _, text in flow_steps(facts) if text)
    return f"{out}. The criteria are for the author to add."


def preprocessing(facts: Facts) -> str:
    """From file to input, and the data checks if there were any."""
    windows = _values(facts, "voi_source")
    words = {
        "VOI LUT": "the VOI LUT of the file",
        "window": "the window of the file",
        "percentile": "the 0.5th to 99.5th percentile where the file states no window",
    }
    told = ", ".join(f"{words[name]} ({windows[name]:,} images)" for name in words if windows.get(name))
    inverted = _values(facts, "photometric").get("MONOCHROME1", 0)
    polarity = f"; {inverted:,} with white as zero turned to black as zero" if inverted else ""
    return (
        f"Modality LUT, then {told}{polarity}; 8 bit, the longest side at most {facts.project.store_side} pixels, the"
        f" whole image on a black square of {facts.metrics.backbone.input_size} pixels."
        + (f" {checks(facts.record.checks)}" if facts.record.checks else "")
    )


def checks(found: Coverage) -> str:
    """Which data checks looked at the images of the run, and when."""
    pictures = _named(found.on_pictures)
    told = f"Data checks ({found.checked[:10]}) of {_of(found.pictures, found.images)}: {pictures}."
    if found.labelled and found.on_labels:
        told += f" Of {_of(found.labelled, found.images)} with the label used here: {_named(found.on_labels)}."
    return told


def subsets(facts: Facts) -> str:
    """Whether images are cropped."""
    augment = facts.recipe["augment"]
    cropped = augment["crop"] and (augment["views"] or augment["test_views"] or facts.recipe["mode"] != "frozen")
    return "The whole image is used; no region of interest is cropped" + (
        f", but augmented views lose up to {augment['crop']:.0%} of a side." if cropped else "."
    )


def deidentification(_facts: Facts) -> str:
    """What of a person the project keeps."""
    return (
        "Images are known by a pseudonym of the patient and hashes keyed for the project; no name, number or date of"
        " birth is stored. Letters in the pixels stay as they are inside the project."
    )


def missing(facts: Facts) -> str:
    """Images and attributes of which something is not known."""
    told = "Images without a certain label take no part."
    if facts.metrics.multilabel:
        loss = facts.recipe["loss"]
        learned = (
            f"is learned from as {loss['certainty']:g}" if loss["uncertain"] == "softened" else "is not learned from"
        )
        told = f"Images without a label take no part; a doubtful finding judges nothing and {learned}."
    values = {each.value for split in facts.judgement.subgroups for each in split.subgroups}
    if NOT_STATED in values:
        told += " Attributes that are not stated form a subgroup of their own."
    return told


def acquisition(facts: Facts) -> str | None:
    """What the files tell of how the images were made, where the table shows it."""
    rows = [row[0] for row in table_one(facts)[1]]
    told = [name for name in FIRST_IN_TABLE if any(row.startswith(f"{name}: ") for row in rows)]
    if not told:
        return None
    return f"{listed(told)} in the table of characteristics; exposure and detector are for the author."


def reference_labels(facts: Facts) -> str:
    """Which labels."""
    return f"Labels “{facts.metrics.label_set}” of the project; who made them, and how, is for the author to add."


def test_annotation(facts: Facts) -> str | None:
    """The labels of the sealed test set."""
    if facts.test is None:
        return None
    seal, changed = facts.test.seal, facts.test.labels_changed
    since = (
        f"{changed:,} of them were changed between the sealing and these figures"
        if changed
        else "none was changed until these figures were made"
    )
    return (
        f"Labels “{seal.label_set}”; the test set was sealed on {seal.created[:10]}, {since}. Who made the labels"
        " is for the author to add."
    )


def variability(facts: Facts) -> str | None:
    """Readings at the reader desk."""
    read = readings(facts.project, facts.folder.name)
    if not read:
        return None
    who = len({each.reader for each in read})
    return (
        f"{counted(len(read), 'reading')} by {counted(who, 'reader')} at the reader desk, saved before the model's"
        " answer was shown. Figures of agreement are for the author to add."
    )


def split(facts: Facts) -> str | None:
    """How images were assigned to partitions."""
    plan, certificate = facts.metrics.split, facts.folder.split_certificate()
    if facts.external:
        return None
    sealed = f" {_sealing(facts)}" if facts.test is not None else ""
    folds = plan.kind == "folds"
    into = f"{plan.folds} folds" if folds else "training, validation and test parts"
    if certificate is not None and certificate["made_by"] == "file":
        return f"Into {into} as a file of the author says, by patient; how it was made is for the author.{sealed}"
    chance = f"at random by patient, stratified by {listed(_strata(facts))}, seed {plan.seed}"
    by = facts.development.title
    if not plan.by:
        return f"Into {into}, {chance}.{sealed}"
    if folds:
        return f"Into {into}, one for each value of {by}, whole patients; nothing was drawn at random.{sealed}"
    test = "the patients first seen last" if plan.by == DATE else f"chosen values of {by}"
    return f"Into a test part ({test}) and, of the rest, training and validation parts {chance}.{sealed}"


def disjoint(facts: Facts) -> str:
    """What stays together."""
    if (elsewhere := facts.metrics.external) is not None:
        left_out = elsewhere.left_out["learned from"]
        return (
            f"Image: {left_out:,} images whose pixels the model had learned from were left out. Whether patients are"
            " the same is for the author."
        )
    rule = kept_rule(facts.project)
    where = "Whatever the files state" if rule.everywhere else "Where files name no patient"
    named = f" {where}, {rule.in_words()}." if rule.by != "id" else ""
    if rule.apart_by:
        named += (
            f" Of the patient IDs that stand for images of several origins, the author says: {APART_BY[rule.apart_by]}."
        )
    certificate = facts.folder.split_certificate()
    if certificate is None:
        return f"Patient.{named}"
    studies, copies = certificate["joined_studies"], len(certificate["joined_copies"])
    blind = _values(facts, "fingerprint").get(None, 0)
    unseen = f" {blind:,} images of an earlier import could not be compared." if blind else ""
    return (
        "Patient, study and picture: images of a patient, of a study, or found to be copies of each other stay together"
        f" ({studies:,} studies and {copies:,} pairs of copies joined patients).{unseen}{named}"
    )


def sample_size(facts: Facts) -> str:
    """What was at hand; nobody recorded what was intended."""
    judged = facts.judgement
    planner = " What narrower intervals would need is in this report." if judged.plans else ""
    return (
        f"{judged.images:,} images of {judged.patients:,} patients were at hand to judge on; the size intended is for"
        f" the author.{planner}"
    )


def flow(_facts: Facts) -> str:
    """Numbers in and out."""
    return "See the data flow diagram of this report."


def participants(_facts: Facts) -> str:
    """Flow and characteristics."""
    return "See the data flow diagram and the table of characteristics of this report."


def characteristics(facts: Facts) -> str | None:
    """Who is in each partition, where the parts are known."""
    if not partition_tables(facts):
        return None
    return "See the table of characteristics by partition; clinical ones are for the author to add."


def events(facts: Facts) -> str:
    """How many have the condition."""
    judged = facts.judgement
    return (
        f"{judged.figures.positives:,} images of “{judged.positive}” among {judged.images:,} of {judged.patients:,}"
        " patients."
    )


def test_difference(facts: Facts) -> str | None:
    """What tells evaluation from training, by design."""
    if not facts.setting.apart:
        return None
    return f"{facts.setting.apart[:1].upper()}{facts.setting.apart[1:]}."


def counted(number: int, what: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), *names[-1:]])


def _strata(facts: Facts) -> list[str]:
    more = [name.removesuffix("_hash").replace("_", " ") for name in facts.metrics.split.stratify]
    try:
        kind = label_set(facts.project, facts.metrics.label_set).kind
    except LabelSetUnusable:
        kind = "multi" if facts.metrics.multilabel else "single"
    return ["label" if kind == "single" else "the rarest finding of each image", *more]


def _sealing(facts: Facts) -> str:
    assert facts.test is not None
    seal = facts.test.seal
    how = facts.setting.apart
    told = f", {how}" if how else "; how they were chosen is not recorded"
    return f"Before, {seal.images:,} images of {seal.patients:,} patients were sealed as the test set{told}."


def _values(facts: Facts, column: str) -> Mapping[object, int]:
    """Value of a column of the catalogue -> images of the run, and those that the figures are of, that have it."""
    images = {*facts.record.parts, *facts.shown.images.tolist()}
    found: dict[object, int] = {}
    for image, (value,) in raw_values(facts.project, (column,)).items():
        if image in images:
            found[value] = found.get(value, 0) + 1
    return found


def _named(names: Sequence[str]) -> str:
    return listed([words for name, words in CHECK_WORDS.items() if name in names])


def _of(some: int, images: int) -> str:
    return f"all {images:,} images" if some == images else f"{some:,} of {images:,} images"


ANSWERS = {
    each.__name__: each
    for each in (
        *(sources, exclusions, preprocessing, subsets, deidentification, missing, acquisition, reference_labels),
        *(test_annotation, variability, split, disjoint, sample_size, flow, participants, characteristics, events),
        test_difference,
    )
}
