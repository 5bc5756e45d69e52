"""What each request about splits and the sealed test set does."""

from __future__ import annotations

from fineray.engine.jobs.pair import Pair
from fineray.engine.requests.splits import FreezeRun, IdentifyPatients, MakeSplit, OpenTest, SealTest
from fineray.progress import Monitor
from fineray.project.patients import from_table, identify
from fineray.project.patients.identify import RulePreview
from fineray.project.project import open_project
from fineray.project.seal import Seal
from fineray.project.splits import Split
from fineray.training.results import RunDone


def identify_patients(request: IdentifyPatients, _: Monitor) -> RulePreview:
    """Tell patients apart by a rule."""
    with open_project(request.project) as project:
        named = None if request.table is None else from_table.patients_in_table(project, request.table)
        return identify.identify_patients(project, request.rule, named)


def make_split(request: MakeSplit, monitor: Monitor) -> Split:
    """Split the labelled images."""
    from fineray.project.splitting import make

    with open_project(request.project) as project:
        return make.make_split(project, request.plan, monitor)


def seal_test(request: SealTest, _: Monitor) -> Seal:
    """Seal the plan's test part."""
    from fineray.project.splitting import sealing

    with open_project(request.project) as project:
        return sealing.seal_test(project, request.plan)


def freeze_run(request: FreezeRun, _: Monitor) -> RunDone:
    """Fix a run's model and operating point."""
    from fineray.training.opening import freeze_by_rule

    with open_project(request.project) as project:
        freeze_by_rule(project, request.run, request.rule)
    return RunDone(request.project, request.run)


def open_test(request: OpenTest, monitor: Monitor) -> RunDone:
    """Predict the sealed test set."""
    from fineray.training import opening

    with open_project(request.project) as project:
        opening.open_test(project, request.run, monitor)
    return RunDone(request.project, request.run)


PAIRS = (
    Pair(IdentifyPatients, identify_patients),
    Pair(MakeSplit, make_split),
    Pair(SealTest, seal_test),
    Pair(FreezeRun, freeze_run),
    Pair(OpenTest, open_test),
)
