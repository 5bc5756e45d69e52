"""What the checklists ask of evaluation and results: each answer follows from the figures, or is left to the author."""

from __future__ import annotations

from fineray.evaluation.intervals import Estimate
from fineray.evaluation.wording import METRICS, with_interval
from fineray.explaining.kept import MEAN
from fineray.report.answers_data import counted, listed
from fineray.report.facts import Facts
from fineray.review.judging import CALIBRATIONS, CURVES

PERSONAL = ("sex", "age_years")  # attributes of a person, which fairness is asked of


def metrics(facts: Facts) -> str:
    """The figures that are in this report, by name."""
    judged = facts.judgement
    found = list(judged.overall.items()) + list(judged.figures.estimates().items())
    if judged.calibration is not None:
        found += [(name, each) for name, each in vars(judged.calibration).items() if isinstance(each, Estimate)]
    names = list(dict.fromkeys(_title(name) for name, each in found if each.value is not None))
    names += ["net benefit"] if judged.curves is not None else []
    return f"{', '.join(names)}."


def uncertainty(facts: Facts) -> str | None:
    """Which intervals, from the figures themselves."""
    methods: dict[str, list[str]] = {}
    for name, each in facts.judgement.figures.estimates().items():
        if each.low is not None:
            methods.setdefault(each.method, []).append(_title(name))
    if not methods:
        return None
    told = "; ".join(f"{method} ({', '.join(names)})" for method, names in methods.items())
    drawn = f"{facts.resamples:,} resamples"
    drawn += f", {CURVES:,} for curves" * (facts.resamples > CURVES)
    drawn += f", {CALIBRATIONS:,} for calibration" * (facts.resamples > CALIBRATIONS)
    return f"95 % intervals: {told}. Bootstrap: {drawn}; seed {facts.recipe['seed']}."


def robustness(facts: Facts) -> str | None:
    """Subgroups, and tests of those that could be compared."""
    found = facts.judgement.subgroups
    if not found:
        return None
    tested = [each.title.lower() for each in found if each.p_holm is not None]
    titles = listed([each.title.lower() if not each.title.startswith("Labels") else each.title for each in found])
    how = f"; interaction with the AUC tested for {listed(tested)}, corrected after Holm" if tested else ""
    return f"Figures by {titles}{how}."


def explainability(facts: Facts) -> str | None:
    """Maps that were made of this run, and how many passed their checks."""
    told, found = [], []
    for method, name in (("grad-cam", "Grad-CAM"), ("occlusion", "occlusion")):
        made = [each for each in facts.record.maps if each.method == method]
        if made:
            images = counted(len({each.images for each in made}), "image")
            passed = sum(not each.problems for each in made)
            told.append(f"{counted(len(made), f'{name} map')} of {images} ({passed:,} passed)")
    if told:
        checked = "each was checked by randomised weights, by deletion and for evidence on borders and letters"
        found.append(f"{', '.join(told)}; {checked}.")
    means = sum(each.method == MEAN for each in facts.record.maps)
    if means:
        found.append(f"{counted(means, 'mean Grad-CAM map')} over several images, checked for borders and letters.")
    return " ".join(found) or None


def internal(facts: Facts) -> str | None:
    """What was judged of the same institution as was learned from, or not shown to be of another."""
    metrics, own = facts.metrics, facts.development
    if facts.setting.kind == "other project":
        brought = facts.folder.package()
        area = brought["auc"] if brought is not None else None
        if brought is None or area is None or area["value"] is None:
            return None
        known = _estimate("AUC", Estimate(**area))
        return f"Where the model was made, as its package says: {known} on {brought['images']:,} images."
    if facts.setting.kind == "same project":
        return f"Predictions of {metrics.figures.images:,} images of this project that the model had not learned from."
    told = []
    if not own.external:
        judged = f"Out-of-sample predictions of {metrics.figures.images:,} images in {metrics.split.folds} folds"
        if metrics.split.kind != "folds":
            judged = f"Predictions of the {metrics.figures.images:,} images of the test part"
        area = f"; {_estimate('AUC', metrics.figures.auc)}" if facts.test is not None else ""
        told.append(f"{judged}{f', {own.apart}' if own.apart else ''}{area}.")
    if facts.test is not None and not facts.setting.external:
        how = f", {facts.setting.apart}" if facts.setting.apart else "; how it was chosen is not recorded"
        told.append(f"Sealed test set of {facts.test.figures.images:,} images{how}.")
    return " ".join(told) or None


def external(facts: Facts) -> str | None:
    """Only what the record shows to be of another institution, or of another project."""
    if facts.setting.kind == "other project":
        return (
            f"{facts.metrics.figures.images:,} images of this project judged by a model of another project, which had"
            " not learned from them. Whether they are of another institution than those it learned from is for the"
            " author."
        )
    told = []
    if facts.development.kind == "site" and facts.test is None:
        told.append(f"{facts.metrics.figures.images:,} images, {facts.development.apart}.")
    if facts.test is not None and facts.setting.kind == "site":
        told.append(f"Sealed test set of {facts.test.figures.images:,} images, {facts.setting.apart}.")
    return " ".join(told) or None


def results(facts: Facts) -> str:
    """The main figure."""
    judged = facts.judgement
    more = "all figures and subgroups are" if judged.subgroups else "all figures are"
    return f"{_estimate('AUC', judged.figures.auc)} for “{judged.positive}”; {more} in this report."


def diagnostic(facts: Facts) -> str:
    """Both rates."""
    figures = facts.judgement.figures
    return f"{_estimate('Sensitivity', figures.sensitivity)}; {_estimate('specificity', figures.specificity)}."


def failures(facts: Facts) -> str:
    """What was predicted wrong."""
    figures, positive = facts.judgement.figures, facts.judgement.positive
    missed, wrongly = figures.false_negatives, figures.false_positives
    counted = f"{missed:,} images of “{positive}” missed and {wrongly:,} falsely predicted so"
    wrong = bool((facts.predicted != facts.shown.true).any())
    return f"{counted}; the most confident errors are listed." if wrong else f"{counted}: no image was predicted wrong."


def fairness(facts: Facts) -> str | None:
    """Figures by what people are, where they are in this report."""
    found = [each.title.lower() for each in facts.judgement.subgroups if each.attribute in PERSONAL]
    return f"Figures by {listed(found)}; judging them is for the author." if found else None


def limits(_facts: Facts) -> str:
    """Where they stand."""
    return "See the section on limits, to which the author should add."


def _estimate(name: str, found: Estimate) -> str:
    return f"{name} {with_interval(found)}"


def _title(name: str) -> str:
    return METRICS[name].title if name in METRICS else name


ANSWERS = {
    each.__name__: each
    for each in (
        *(metrics, uncertainty, robustness, explainability, internal, external, results, diagnostic, failures),
        *(fairness, limits),
    )
}
