"""Paused or killed anywhere, work goes on where it was, ends in the same bits, and says where it stands."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fineray.progress import (
    Cancelled,
    Monitor,
    Paused,
    Progress,
    ProgressEvent,
    Resumed,
)
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project
from fineray.project.runs import RunFolder, runs
from fineray.project.splits import Split, SplitPlan
from fineray.project.splitting.make import make_split
from fineray.training import checkpoint
from fineray.training.checkpoint import Keeping, State, checkpoints_of
from fineray.training.choosing.controls import run_controls
from fineray.training.choosing.learning_curve import learning_curve
from fineray.training.features import STAGE_FEATURES
from fineray.training.head import selection
from fineray.training.recipe import (
    FROM_SCRATCH,
    AugmentSettings,
    HeadSettings,
    LossSettings,
    Recipe,
    Tuning,
)
from fineray.training.standing import (
    Standing,
    forgotten,
    in_time,
    left_off,
)
from fineray.training.train import train
from fineray.training.tuning import finetuning
from fineray.training.tuning.finetuning import TrainingDiverged
from fineray.training.tuning.views import STAGE_VIEWS, AugmentedViews
from tests.support.studies import Zoo
from tests.support.tiny import TINY, add_tiny, wild

HEAD = HeadSettings(strengths=(1.0, 0.1), inner_folds=2)
FROZEN = Recipe(TINY, head=HEAD, bootstrap=100)
TUNED = replace(
    FROZEN,
    mode="finetune",
    augment=AugmentSettings(views=1),
    tuning=Tuning(frozen_stages=3, epochs=2, batch=4, dropout=0.3),
)
RECIPES = {
    "frozen": replace(FROZEN, head=replace(HEAD, kind="mlp", hidden=4), augment=AugmentSettings(test_views=1)),
    "kept views": TUNED,
    "fresh views": replace(TUNED, augment=AugmentSettings(test_views=1), loss=LossSettings(balance="sampling")),
    "validated": replace(TUNED, tuning=replace(TUNED.tuning, epochs=3, validation=0.34, patience=1, norms="images")),
    "from scratch": replace(TUNED, mode="scratch", tuning=replace(FROM_SCRATCH, epochs=1, batch=4, dropout=0.3)),
}

FEW = ("frozen", "kept views")  # of every day


class Killed(BaseException):
    """Nothing of ours runs any more."""


class Ear(Monitor):
    """Listens; raises once it was asked so often whether to go on, or when `when` says so of what it heard last."""

    def __init__(
        self,
        after: int = 10**9,
        how: type[BaseException] = Paused,
        when: Callable[[ProgressEvent], bool] = lambda what: False,
    ) -> None:
        self.heard: list[ProgressEvent] = []
        self.after, self._how, self._when = after, how, when

    def report(self, what: ProgressEvent) -> None:
        self.heard.append(what)

    def check(self) -> None:
        self.after -= 1
        if self.after < 0 or (self.heard and self._when(self.heard[-1])):
            raise self._how

    def of(self, kind: type) -> list[ProgressEvent]:
        return [what for what in self.heard if isinstance(what, kind)]


class Count:
    """How often each piece of work was done."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.of: Counter[str] = Counter()
        for name, owner, what in (
            ("views", AugmentedViews, "_keep"),
            ("steps", finetuning.Tuner, "step"),
            ("fits", selection, "fit_layer"),
        ):
            patch.setattr(owner, what, self._counted(name, getattr(owner, what)))

    def _counted(self, name: str, do: Callable[..., object]) -> Callable[..., object]:
        def counted(*given: object, **more: object) -> object:
            self.of[name] += 1
            return do(*given, **more)

        return counted

    def taken(self) -> Counter[str]:
        taken, self.of = self.of, Counter()
        return taken


@pytest.fixture
def study(zoo: Zoo, lent: Callable[[Path], Project], tmp_path: Path) -> Project:
    add_tiny(tmp_path)
    return lent(zoo.labelled(12, 1))


@pytest.fixture
def halves(study: Project) -> Split:
    return make_split(study, SplitPlan(folds=2))


def unfinished(project: Project) -> list[Path]:
    return list(project.runs_folder.glob(".unfinished-*"))


def model(folder: RunFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.path.glob("*.safetensors")}


def same(one: RunFolder, two: RunFolder) -> None:
    assert model(one) == model(two)
    np.testing.assert_array_equal(one.predictions().probabilities, two.predictions().probabilities)
    for name in ("strengths", "temperature", "figures"):
        assert getattr(one.metrics(), name) == getattr(two.metrics(), name)


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[] if each in FEW else pytest.mark.integration) for each in RECIPES]
)
def test_paused_again_and_again_it_loses_nothing_and_ends_in_the_same_bits(
    study: Project, halves: Split, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, count, dice = RECIPES[name], Count(monkeypatch), random.Random(name)
    undisturbed = train(study, halves, recipe)
    once, starts = count.taken(), 0
    study.db.execute("DELETE FROM feature")
    done = None
    while done is None:
        starts += 1
        try:
            done = train(study, halves, recipe, monitor=Ear(dice.randrange(1, 9)))
        except Paused:
            (left,) = left_off(study)
            assert left.standing.recipe == recipe and left.standing.split_hash == halves.hash
            assert left.standing.paused and left.standing.in_words().startswith("Paused ")
    assert starts > 3
    same(done, undisturbed)
    assert count.taken() == once, "nothing was done twice"
    assert not unfinished(study) and not list(study.root.glob(".views-*"))


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[] if each in FEW else pytest.mark.integration) for each in RECIPES]
)
def test_killed_again_and_again_it_loses_no_more_than_since_the_last_checkpoint(
    study: Project, halves: Split, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, count, dice = RECIPES[name], Count(monkeypatch), random.Random(name)
    undisturbed = train(study, halves, recipe)
    once = count.taken()
    monkeypatch.setenv("FINERAY_CHECKPOINT_S", "0")  # one at every point, however long it takes
    done, kills = None, 0
    while done is None:
        try:
            done = train(study, halves, recipe, monitor=Ear(dice.choice((4, 9, 40, 90)), Killed))
        except Killed:
            kills += 1
            (left,) = left_off(study)
            assert left.standing.in_words().startswith("Interrupted ")
    assert kills
    same(done, undisturbed)
    again = count.taken()
    for work, number in once.items():
        assert number <= again[work] <= number + kills, "a kill loses the piece under way alone"


_KILLED = """
import os, signal, sys
from pathlib import Path
from fineray.progress import Monitor, Progress
from fineray.project.project import open_project
from fineray.project.splits import latest_split
from fineray.training.recipe import Recipe
from fineray.training.train import train

class Bomb(Monitor):
    last = None
    def report(self, what):
        if isinstance(what, Progress):
            self.last = what
    def check(self):
        at = self.last
        if at and (at.stage, at.unit) == tuple(sys.argv[3:5]) and at.done >= int(sys.argv[5]):
            os.kill(os.getpid(), signal.SIGKILL)

with open_project(Path(sys.argv[1])) as project:
    train(project, latest_split(project), Recipe.from_json(Path(sys.argv[2]).read_text()), monitor=Bomb())
"""


@pytest.mark.integration
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_outright_among_the_views_and_within_an_epoch(
    study: Project, halves: Split, tmp_path: Path, images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_folders(study, [images(patients=36, each=1, folder="more")])
    apply_labels(study, preview_folders(study))
    halves = make_split(study, SplitPlan(folds=2))
    count = Count(monkeypatch)
    undisturbed = train(study, halves, TUNED)
    once = count.taken()
    recipe = tmp_path / "recipe.json"
    recipe.write_text(TUNED.to_json(), "utf-8")

    def killed(*when: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, str(study.root), str(recipe), *when],
            env={**os.environ, "FINERAY_CHECKPOINT_S": "0"},
        )
        assert done.returncode == -signal.SIGKILL
        (left,) = left_off(study)
        return left.standing.in_words()

    assert "looking at augmented views (32 of " in killed(STAGE_VIEWS, "views", "40"), "all but the batch under way"
    found = re.search(r"in fold 1 of 2, at step (\d+) of ", killed("Training", "steps", "4"))
    assert found is not None and 1 <= (kept := int(found[1])) <= 3
    ear = Ear()
    same(train(study, halves, TUNED, monitor=ear), undisturbed)
    assert ear.of(Resumed)
    assert count.of["views"] == 0 and count.of["steps"] == once["steps"] - kept


def test_between_two_checkpoints_lie_no_two_minutes_however_slow_the_disk(
    study: Project, halves: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, kept = [0.0], [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    for step_s, write_s in ((0.5, 0.01), (7.0, 2.0), (20.0, 10.0)):
        place = checkpoints_of(study, "training", TUNED, halves.hash)
        keeping = Keeping(place, "work")
        kept[0], writing, began = now[0], 0.0, now[0]

        def state(write_s: float = write_s) -> State:
            now[0] += write_s
            return State({}, {})

        for _ in range(200):
            now[0] += step_s
            before = now[0]
            keeping.point(state)
            assert now[0] - kept[0] <= 120 + step_s
            if now[0] > before:
                kept[0], writing = now[0], writing + write_s
        assert writing, "something was kept"
        if write_s < 5:
            assert writing / (now[0] - began) < 0.06, "writing takes next to nothing of the time"


def test_the_variable_says_how_often_however_slow_the_disk(
    study: Project, halves: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, kept = [0.0], [0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    monkeypatch.setenv("FINERAY_CHECKPOINT_S", "0")
    keeping = Keeping(checkpoints_of(study, "training", TUNED, halves.hash), "work")

    def state() -> State:
        kept[0] += 1
        now[0] += 30.0  # to write it
        return State({}, {})

    for point in range(1, 5):
        keeping.point(state)
        assert kept[0] == point


def test_paused_at_step_two_of_a_fold_it_says_so(study: Project, halves: Split) -> None:
    ear = Ear(when=lambda what: isinstance(what, Progress) and what.unit == "steps" and what.fit == 2 and what.done > 3)
    with pytest.raises(Paused):
        train(study, halves, TUNED, monitor=ear)
    (left,) = left_off(study)
    assert left.standing.in_words().startswith("Paused in fold 2 of 2, at step 2 of 2: ")
    assert "of work" in left.standing.in_words()
    again = Ear(0)
    with pytest.raises(Paused):
        train(study, halves, TUNED, monitor=again)  # as soon as it has come back to where it was
    assert left_off(study)[0].standing.in_words().startswith("Paused in fold 2 of 2, at step 2 of 2: ")
    assert again.of(Resumed)


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        (STAGE_FEATURES, "while computing features (12 of 12 images)"),
        (STAGE_VIEWS, "while looking at augmented views ("),
    ],
)
def test_where_it_stands_before_anything_learns(study: Project, halves: Split, stage: str, told: str) -> None:
    with pytest.raises(Paused):
        train(
            study,
            halves,
            TUNED,
            monitor=Ear(when=lambda what: isinstance(what, Progress) and what.stage == stage and what.done > 0),
        )
    assert told in left_off(study)[0].standing.in_words()


def test_cancelled_it_is_given_up_and_no_other_is(study: Project, halves: Split) -> None:
    other = replace(TUNED, seed=1)
    with pytest.raises(Paused):
        train(study, halves, other, monitor=Ear(6))
    with pytest.raises(Cancelled) as stopped:
        train(study, halves, TUNED, monitor=Ear(20, Cancelled))
    assert stopped.type is Cancelled
    assert [left.standing.recipe for left in left_off(study)] == [other]
    assert not forgotten(left_off(study)[0], study)
    assert not unfinished(study)


def test_what_was_made_of_other_labels_is_not_used(study: Project, halves: Split) -> None:
    with pytest.raises(Paused):
        train(study, halves, TUNED, monitor=Ear(25))
    study.db.execute(
        "UPDATE label SET value = CASE value WHEN 'dark' THEN 'bright' ELSE 'dark' END "
        "WHERE image_id = (SELECT min(image_id) FROM label)"
    )
    ear = Ear()
    train(study, halves, TUNED, monitor=ear)
    assert not ear.of(Resumed)


@pytest.mark.integration
def test_a_damaged_checkpoint_costs_its_own_work_and_no_more(study: Project, halves: Split) -> None:
    undisturbed = train(study, halves, TUNED)
    for damage in (
        "views/activations",
        "views.safetensors",
        "head-1.safetensors",
        "fold-1.safetensors",
        "standing.json",
    ):
        with pytest.raises(Paused):
            train(
                study,
                halves,
                TUNED,
                monitor=Ear(when=lambda what: isinstance(what, Progress) and what.unit == "steps" and what.done > 0),
            )
        path = unfinished(study)[0] / damage
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        same(train(study, halves, TUNED), undisturbed)


def test_a_training_that_diverges_leaves_nothing_to_go_on_from(study: Project, halves: Split) -> None:
    with pytest.raises(TrainingDiverged):
        train(study, halves, wild(TUNED))
    assert not unfinished(study)


@pytest.mark.slow
def test_a_search_goes_on_with_the_trials_that_it_would_have_made(
    study: Project, halves: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fineray.training.choosing import search

    monkeypatch.setattr(search, "MOST", 3)
    for recipe in (FROZEN, replace(TUNED, tuning=replace(TUNED.tuning, epochs=1))):
        searching = replace(recipe, search_minutes=60.0)
        undisturbed = train(study, halves, searching)
        dice, done, starts = random.Random(5), None, 0
        while done is None:
            starts += 1
            try:
                done = train(study, halves, searching, monitor=Ear(dice.randrange(5, 60)))
            except Paused:
                assert left_off(study)[0].standing.paused
        assert starts > 2
        same(done, undisturbed)
        assert done.metrics().search == undisturbed.metrics().search


@pytest.mark.slow
def test_controls_go_on_and_make_no_run_twice(study: Project, halves: Split) -> None:
    recipe = replace(TUNED, tuning=replace(TUNED.tuning, epochs=1))
    undisturbed = run_controls(study, halves, recipe, Monitor())
    found, starts = None, 0
    while found is None:
        starts += 1
        try:
            found = run_controls(study, halves, recipe, Ear(30))
        except Paused:
            (left,) = left_off(study)
            assert left.standing.kind == "controls" and "among the controls" in left.standing.in_words()
    assert starts > 2 and len(runs(study)) == 8
    assert [replace(each, run="") for each in found] == [replace(each, run="") for each in undisturbed]
    assert not unfinished(study)


@pytest.mark.integration
def test_a_learning_curve_goes_on(study: Project, halves: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    count = Count(monkeypatch)
    undisturbed = learning_curve(study, halves, FROZEN, Monitor())
    once, found, patience = count.taken(), None, 0
    while found is None:
        patience += 20
        try:
            found = learning_curve(study, halves, FROZEN, Ear(patience))
        except Paused:
            assert not left_off(study), "it is no training"
    assert found == undisturbed and count.taken() == once and not unfinished(study)


def test_a_span_of_work_is_said_as_one_would() -> None:
    told = [in_time(seconds) for seconds in (0, 1, 59.9, 60, 2599, 3600, 7500)]
    assert told == ["0 seconds", "1 second", "59 seconds", "1 minute", "43 minutes", "1 hour", "2 hours 5 minutes"]
    at = Standing("training", TUNED, "", Progress("Training", 192, 1080, "steps", 2, 6), 2599.0, paused=True)
    assert at.in_words() == "Paused in fold 2 of 5, at step 12 of 180: 43 minutes of work are kept."
    last = replace(at, progress=Progress("Training", 905, 1080, "steps", 6, 6), seconds=61.0, paused=False)
    assert last.in_words() == "Interrupted in the final model, at step 5 of 180: 1 minute of work is kept."
