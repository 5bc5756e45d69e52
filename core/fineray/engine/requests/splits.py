"""What is asked of the worker process about splits and the sealed test set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fineray.evaluation.operating_point import PointRule
from fineray.project.labels.origins import FromTable
from fineray.project.patients.identify import RulePreview
from fineray.project.patients.rule import PatientRule
from fineray.project.seal import Seal
from fineray.project.splits import Split, SplitPlan
from fineray.training.results import RunDone


@dataclass(frozen=True)
class IdentifyPatients:
    """Say what tells patients apart; with the rule by table, that table. Result: RulePreview."""

    project: Path
    rule: PatientRule
    table: FromTable | None = None


@dataclass(frozen=True)
class MakeSplit:
    """Split the labelled images. Result: Split."""

    project: Path
    plan: SplitPlan


@dataclass(frozen=True)
class SealTest:
    """Seal the plan's test part. Result: Seal."""

    project: Path
    plan: SplitPlan


@dataclass(frozen=True)
class FreezeRun:
    """Fix a run's model and operating point. Result: RunDone. rule: chooses the point (of each finding, where several
    stand side by side); None for the one that is kept with the run."""

    project: Path
    run: str
    rule: PointRule | None = None


@dataclass(frozen=True)
class OpenTest:
    """Predict the sealed test set with a frozen run; counted for good. Result: RunDone."""

    project: Path
    run: str


SplitRequest = IdentifyPatients | MakeSplit | SealTest | FreezeRun | OpenTest
SplitResult = RulePreview | Split | Seal | RunDone
