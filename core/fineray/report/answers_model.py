"""What the checklists ask of the model and its training: each answer follows from recipe and run, or is left to the
author."""

from __future__ import annotations

from typing import Any

from fineray.report.answers_data import counted, listed
from fineray.report.facts import Facts

CHANGES = ("rotation", "scale", "shift", "crop", "contrast", "noise", "flip")  # what makes a view another one
HEADS = {"linear": "linear", "mlp": "hidden-layer", "cosine": "cosine"}


def technology(facts: Facts) -> str:
    """What kind of model."""
    control = " A control: it learned from labels in another order." if facts.recipe["shuffled"] else ""
    return f"Deep learning: convolutional network {facts.metrics.backbone.title}, {_trained(facts)}.{control}"


def objective(facts: Facts) -> str:
    """Development or evaluation."""
    if facts.setting.kind == "other project":
        return "Evaluation of a model that was made in another project."
    if facts.external:
        return "Evaluation of a model of this project on images that it had not learned from."
    how = "validated between sites" if facts.development.external else "with internal validation"
    sealed = " and a sealed test set" + " of other sites" * facts.setting.external if facts.test else ""
    return f"Development, {how}{sealed}."


def predictors(_facts: Facts) -> str:
    """What the model looks at."""
    return "The pixels of the image alone."


def model(facts: Facts) -> str:
    """The architecture."""
    recipe, network = facts.recipe, facts.metrics.backbone
    kind = recipe["head"]["kind"]
    units = f" of {recipe['head']['hidden']:,} units" if kind == "mlp" else ""
    return (
        f"{network.title}, {_trained(facts)}; input {network.input_size} × {network.input_size}, one gray channel;"
        f" {recipe['pooling']} pooling of every stage; {HEADS[kind]} last layer{units}.{_of_final(facts)}"
    )


def software(facts: Facts) -> str:
    """Libraries, and what computed the features."""
    libraries = ", ".join(f"{name} {number}" for name, number in facts.metrics.environment.items())
    engine = facts.metrics.engine
    by = "" if engine == "torch" else f"; features by {engine}"
    if facts.external:
        return f"Judged with Fineray {facts.metrics.fineray}; trained with {libraries}{by}."
    return f"{libraries}{by}, Fineray {facts.metrics.fineray}."


def initialisation(facts: Facts) -> str | None:
    """What the record of the weights says, and who says it."""
    if facts.recipe["mode"] == "scratch":
        return f"Random weights, seed {facts.recipe['seed']}."
    source, digest = facts.record.weights, facts.metrics.backbone.weights_sha256
    if source is None or source.known == "unknown" or not source.task:
        return None
    says = {
        "published": "as their makers publish them",
        "stated": "as whoever added them to this computer wrote down",
        "package": "as the package says that brought them",
    }[source.known]
    address = source.origin.partition(" ")[0]
    fetched = f", from {address}" if address.startswith("https://") else ""
    return (
        f"Pretrained weights ({says}{fetched}). Task: {source.task}; data: {source.data}; licence: {source.licence};"
        f" SHA-256 {digest[:16]}…"
    )


def training(facts: Facts) -> str:
    """Loss, augmentation, regularisation, temperature, steps."""
    recipe = facts.recipe
    loss = recipe["loss"]
    told = [f"loss {loss['kind']}" + (f", power {loss['gamma']:g}" if loss["kind"] == "focal" else "")]
    if loss["smoothing"]:
        told.append(f"labels smoothed by {loss['smoothing']:g}")
    told += [_augmentation(recipe), _regularisation(facts), *_steps(recipe), _temperature(facts)]
    whose = " in the project that it comes from" if facts.setting.kind == "other project" else ""
    words = "; ".join(told)
    return f"Trained{whose}: {words}; seed {recipe['seed']}. The whole recipe is in this report.{_of_final(facts)}"


def selection(facts: Facts) -> str:
    """How the model was chosen, and on which images."""
    if facts.external:
        return "Nothing was chosen here: the model came as it is."
    told = [each for each in (_search(facts), _strength(facts), _epoch(facts)) if each]
    told += _compared(facts)
    if facts.test is not None:
        frozen = facts.folder.frozen()
        assert frozen is not None, "only what was frozen opens a test set"
        told.append(f"model and operating point were frozen on {frozen.frozen[:10]}, before the test set was opened")
    return f"{'; '.join(told)[:1].upper()}{'; '.join(told)[1:]}."


def ensembling(facts: Facts) -> str:
    """Averages of weights or of predictions."""
    recipe, found = facts.recipe, []
    if recipe["mode"] != "frozen":
        tuning = recipe["tuning"]
        found += ["weights averaged over steps"] * bool(tuning["averaging"])
        found += [f"blended with those that training began from ({tuning['blend']:.0%} tuned)"] * (tuning["blend"] < 1)
    views = recipe["augment"]["test_views"]
    found += [f"predictions averaged over the image and {counted(views, 'view')} of it"] * bool(views)
    return f"{'; '.join(found)[:1].upper()}{'; '.join(found)[1:]}." if found else "None: one model judges an image."


def imbalance(facts: Facts) -> str:
    """How classes weigh."""
    words = {
        "none": "Classes weigh as they come",
        "weights": "Classes weigh alike in the loss",
        "sampling": "Classes are drawn alike"
        if facts.recipe["mode"] != "frozen"
        else "Classes weigh alike in the loss",
    }
    return f"{words[facts.recipe['loss']['balance']]}.{_of_final(facts)}"


def output(facts: Facts) -> str:
    """Probabilities and the operating point."""
    point, temperature = facts.judgement.point, facts.metrics.temperature
    kind = "A probability of each class" if not facts.metrics.multilabel else "A probability of each finding"
    scaled = f", scaled by a temperature of {temperature:.3f}" if temperature != 1 else ""
    cut = f" “{point.positive}” is predicted from {point.threshold:.3f} on" if point.positive else " Predicted"
    return f"{kind}{scaled}.{cut} by {point.chosen_by}{chosen_where(facts)}."


def chosen_where(facts: Facts) -> str:
    """On which images the operating point was chosen, as a clause."""
    judged = facts.judgement
    if facts.test is not None:
        return ", fixed before the test set was opened"
    if judged.point.chosen_by == "threshold given by hand":
        return "; whether it was fixed before the figures were seen is for the author"
    brought = facts.folder.package()
    if brought is not None and brought["point"]["threshold"] == judged.point.threshold and judged.point.positive:
        return ", as the model brought it"
    if not judged.thresholds:
        return ""
    return ", chosen on the validation part" if _holdout(facts) else ", chosen for each fold on the others"


def updating(facts: Facts) -> str | None:
    """Whether the model was fitted again here."""
    return "None: the model was used as it came." if facts.external else None


def protocol(facts: Facts) -> str:
    """Where the rest stands."""
    metrics = facts.metrics
    return (
        f"Run {facts.folder.name}; data hash {metrics.data_sha256[:16]}…, split hash"
        f" {metrics.split.hash[:16]}…. A study protocol is for the author to add."
    )


def specification(facts: Facts) -> str:
    """What defines the model."""
    frozen = facts.folder.frozen()
    hashes = " The SHA-256 of its files are in this report." if frozen else ""
    return f"Recipe in this report; weights in the folder {facts.folder.name}.{hashes}"


def availability(_facts: Facts) -> str:
    """Of the software."""
    return "Fineray is open source (Apache-2.0); data and model are for the author to say."


def compared_on_judged(facts: Facts) -> list[str]:
    """What was compared on images that the figures are of."""
    found = []
    for each in facts.record.trials:
        if each.images and each.trial.what == "ranking":
            names = listed(each.trial.backbones)
            found.append(f"backbones were ranked ({names}) on {each.images:,} of the images that the figures are of")
        elif each.images:
            found.append(f"a learning rate was looked for on {each.images:,} of the images that the figures are of")
    if facts.record.runs_beside:
        names = listed(facts.record.runs_beside)
        found.append(
            f"{names} of this project predicted images that the figures are of too; whether this run was picked by its"
            " figures is for the author"
        )
    if facts.test is not None and facts.test.opening > 1:
        found.append(f"the test set had been opened before, {counted(facts.test.opening - 1, 'time')}")
    if facts.test is not None and facts.test.seal.seen_before:
        seen = counted(facts.test.seal.seen_before, "run")
        found.append(f"{seen} had predicted some of the test images before they were sealed")
    return found


def _compared(facts: Facts) -> list[str]:
    ranked = [each.trial for each in facts.record.trials if not each.images and each.trial.what == "ranking"]
    found = [f"backbones were ranked ({listed(each.backbones)}) on images not judged here" for each in ranked]
    judged = compared_on_judged(facts)
    nothing = "the project records no ranking, no search for a rate and no other run on the images judged"
    return [*found, *(judged or [nothing])]


def _trained(facts: Facts) -> str:
    recipe = facts.recipe
    frozen = recipe["tuning"]["frozen_stages"]
    tuned = f"with the first {frozen} stages frozen and the rest fine-tuned" if frozen else "fine-tuned in all stages"
    how = {
        "frozen": "with its stages frozen and its last layer replaced",
        "finetune": tuned,
        "scratch": "trained from random weights",
    }[recipe["mode"]]
    if facts.setting.kind == "other project":
        return f"{how}, trained in another project and judged here"
    return how


def _augmentation(recipe: dict[str, Any]) -> str:
    augment = recipe["augment"]
    changing = [name for name in CHANGES if augment[name]]
    views = augment["views"]
    if not changing or (recipe["mode"] == "frozen" and not views):
        return "no augmentation"
    kept = (
        f"{counted(views, 'augmented view')} of each image"
        if views and recipe["mode"] != "scratch"
        else "augmented views"
    )
    return f"{kept} ({', '.join(changing)})"


def _regularisation(facts: Facts) -> str:
    strengths, tuning = facts.recipe["head"]["strengths"], facts.recipe["tuning"]
    decay = f"weight decay {tuning['weight_decay']:g}"
    if facts.recipe["mode"] == "scratch":
        return decay
    told = f"L2 regularisation of the last layer, strength {strengths[0]:g}"
    if len(strengths) > 1:
        told = f"L2 regularisation of the last layer, of {len(strengths)} strengths"
    return told if facts.recipe["mode"] == "frozen" else f"{told}; {decay}"


def _steps(recipe: dict[str, Any]) -> list[str]:
    if recipe["mode"] == "frozen":
        return []
    tuning = recipe["tuning"]
    told = [f"{tuning['epochs']} epochs in batches of {tuning['batch']}, learning rate {tuning['learning_rate']:g}"]
    told += [f"dropout {tuning['dropout']:g}"] * bool(tuning["dropout"])
    told += [f"L2 towards the pretrained weights, {tuning['source_pull']:g}"] * bool(tuning["source_pull"])
    return told + ["stages join one after the other"] * bool(tuning["gradual"])


def _temperature(facts: Facts) -> str:
    metrics = facts.metrics
    found = list((metrics.temperatures or {"final": metrics.temperature}).values())
    scaled = sum(each != 1 for each in found)
    if not scaled:
        return "no temperature scaling"
    where = "the validation part" if _holdout(facts) else "images held out inside the training part"
    where = "images that it had not learned from" if facts.external else where
    some = "" if scaled == len(found) else f", in {scaled} of {len(found)} models"
    return f"temperature scaling on {where}{some}"


def _search(facts: Facts) -> str | None:
    found = facts.metrics.search
    if not found:
        return None
    where = "on the validation part" if _holdout(facts) else "in inner folds of its training patients"
    tried = sum(each["trials"] for each in found.values())
    return f"settings searched for each fit {where} by log loss ({tried:,} trials in all)"


def _strength(facts: Facts) -> str | None:
    recipe = facts.recipe
    number = len(recipe["head"]["strengths"])
    if recipe["mode"] == "scratch" or number == 1:
        return None
    if _holdout(facts):
        return f"strength of regularisation, of {number}, on the validation part"
    if recipe["mode"] == "finetune" and recipe["tuning"]["validation"]:
        return f"strength of regularisation, of {number}, on training patients set aside, or in inner folds of them"
    inner = facts.metrics.inner_folds
    if inner is None:
        return (
            f"strength of regularisation, of {number}, in inner folds of the training patients where classes allow it"
        )
    without = sum(not each for each in inner.values())
    if without == len(inner):
        return f"strength of regularisation: the strongest of {number}, as a class has too few patients to choose by"
    told = (
        f"strength of regularisation, of {number}, in up to {max(inner.values())} inner folds of the training patients"
    )
    return told + (f" ({without} of {len(inner)} models: the strongest)" if without else "")


def _epoch(facts: Facts) -> str | None:
    recipe = facts.recipe
    if recipe["mode"] == "frozen" or not (_holdout(facts) or recipe["tuning"]["validation"]):
        return None
    where = "the validation part" if _holdout(facts) else "training patients set aside"
    return f"the epoch with the best AUC on {where}"


def _of_final(facts: Facts) -> str:
    """A search may have chosen other settings for each fold."""
    searched = len(facts.metrics.search or {}) > 1
    return " These are settings of the final model; each fold's search chose its own." if searched else ""


def _holdout(facts: Facts) -> bool:
    return facts.metrics.split.kind == "holdout"


ANSWERS = {
    each.__name__: each
    for each in (
        *(technology, objective, predictors, model, software, initialisation, training, selection, ensembling),
        *(imbalance, output, updating, protocol, specification, availability),
    )
}
