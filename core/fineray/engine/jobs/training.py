"""What each request about training, and what is chosen or made ready before it, does."""

from __future__ import annotations

from fineray.engine.jobs.pair import Pair
from fineray.engine.requests.training import (
    AddWeights,
    DownloadWeights,
    ExplainDevice,
    FindRate,
    LoadLibraries,
    RankBackbones,
    RunControls,
    RunDemo,
    ShowViews,
    Train,
)
from fineray.progress import Monitor
from fineray.project.project import open_project
from fineray.project.splits import latest_split, split_of
from fineray.training.results import Control, DeviceFound, Ranked, RateCurve, RunDone, ViewsShown, WeightsAdded


def train(request: Train, monitor: Monitor) -> RunDone:
    """Follow the recipe on a split."""
    from fineray.training import train as training

    with open_project(request.project) as project:
        split = split_of(project, request.split_hash)
        return RunDone(
            request.project, training.train(project, split, request.recipe, request.anew, monitor=monitor).name
        )


def run_controls(request: RunControls, monitor: Monitor) -> tuple[Control, ...]:
    """Train the controls of a recipe."""
    from fineray.training.choosing import controls

    with open_project(request.project) as project:
        return tuple(controls.run_controls(project, split_of(project, request.split_hash), request.recipe, monitor))


def find_rate(request: FindRate, monitor: Monitor) -> RateCurve:
    """Try learning rates."""
    from fineray.training.tuning import rate_finder

    with open_project(request.project) as project:
        return rate_finder.find_rate(project, split_of(project), request.recipe, monitor)


def rank_backbones(request: RankBackbones, monitor: Monitor) -> tuple[Ranked, ...]:
    """Rank backbones on the project's images."""
    from fineray.training.choosing.ranking import rank

    with open_project(request.project) as project:
        return tuple(rank(project, latest_split(project), request.names, monitor))


def show_views(request: ShowViews, _: Monitor) -> ViewsShown:
    """Images as the network will see them."""
    from fineray.training.tuning import augmentation

    with open_project(request.project) as project:
        return augmentation.show_views(project, request.recipe, request.images, request.views)


def add_weights(request: AddWeights, _: Monitor) -> WeightsAdded:
    """Take a weight file in."""
    from fineray.backbones import adding

    source = adding.WeightSource(request.title, request.task, request.data, request.licence)
    added = adding.add_weights(request.file, request.backbone, source if source.title or source.task else None)
    return WeightsAdded(added.name, added.weights.sha256)


def download_weights(request: DownloadWeights, monitor: Monitor) -> WeightsAdded:
    """Fetch published weights."""
    from fineray.backbones import adding

    added = adding.download_weights(request.backbone, monitor)
    return WeightsAdded(added.name, added.weights.sha256)


def run_demo(request: RunDemo, monitor: Monitor) -> RunDone:
    """The demo from nothing to a run."""
    from fineray.demo import run

    return run.run_demo(request.folder, monitor)


def load_libraries(_request: LoadLibraries, _: Monitor) -> str:
    """Import what training needs."""
    from fineray.backbones.runtime import best_device, device_title

    return device_title(best_device())


def explain_device(_request: ExplainDevice, _: Monitor) -> DeviceFound:
    """What this computer computes on."""
    from fineray.backbones import device_found

    return DeviceFound(*device_found.explain_device())


PAIRS = (
    Pair(Train, train),
    Pair(RunControls, run_controls),
    Pair(FindRate, find_rate),
    Pair(RankBackbones, rank_backbones),
    Pair(ShowViews, show_views),
    Pair(AddWeights, add_weights),
    Pair(DownloadWeights, download_weights),
    Pair(RunDemo, run_demo),
    Pair(LoadLibraries, load_libraries),
    Pair(ExplainDevice, explain_device),
)
