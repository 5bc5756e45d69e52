"""The vocabulary between the window and the worker process: requests one way, events the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fineray.checks.check_result import CheckResult
from fineray.dicom.codec_result import CodecResult
from fineray.dicom.radiograph import GrayImage
from fineray.engine.requests.models import ModelRequest, ModelResult
from fineray.engine.requests.pacs import PacsRequest, PacsResult
from fineray.engine.requests.review import ReviewRequest, ReviewResult
from fineray.evaluation.operating_point import PointRule
from fineray.export.options import ExportOptions, ExportSummary
from fineray.progress import ProgressEvent
from fineray.project.files.options import EVERY_XRAY, ImportOptions
from fineray.project.files.patients import Rule
from fineray.project.files.summary import ImportSummary
from fineray.project.labels.preview import LabelPreview, LabelSource
from fineray.project.seal import Seal
from fineray.project.splits import Split, SplitPlan
from fineray.review.agreement import Agreement
from fineray.training.recipe import Recipe
from fineray.training.results import (
    Control,
    Ranked,
    RateCurve,
    ViewsShown,
    WeightsAdded,
)


@dataclass(frozen=True)
class ImportFolders:
    """Import what is new below the folders. Result: ImportSummary."""

    project: Path
    folders: tuple[Path, ...]
    options: ImportOptions = EVERY_XRAY


@dataclass(frozen=True)
class PreviewLabels:
    """Match labels with images and change nothing. Result: LabelPreview."""

    project: Path
    source: LabelSource


@dataclass(frozen=True)
class ApplyLabels:
    """Write previewed labels. Result: the number of labels."""

    project: Path
    preview: LabelPreview


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


@dataclass(frozen=True)
class CompareReaders:
    """Compare two label sets. Result: Agreement."""

    project: Path
    first: str
    second: str


@dataclass(frozen=True)
class IdentifyPatients:
    """Make patients of images whose ID is a placeholder. Result: the number of patients made."""

    project: Path
    rule: Rule


@dataclass(frozen=True)
class CheckData:
    """Run all data checks. Result: a tuple of CheckResult, the serious ones first."""

    project: Path


@dataclass(frozen=True)
class ExportDeidentified:
    """Write the films as DICOM without identity. Result: ExportSummary."""

    project: Path
    target: Path
    options: ExportOptions


@dataclass(frozen=True)
class Train:
    """Follow the recipe on the latest split, or the latest of that hash; what was paused goes on. Result: RunDone.

    anew: forget what an earlier start of the same training left unfinished.
    """

    project: Path
    recipe: Recipe
    split_hash: str = ""
    anew: bool = False


@dataclass(frozen=True)
class RunControls:
    """Train the controls of a recipe on the split of that hash, or the latest; what was paused goes on.

    Result: a tuple of Control.
    """

    project: Path
    recipe: Recipe
    split_hash: str = ""


@dataclass(frozen=True)
class FindRate:
    """Try learning rates on training images. Result: RateCurve."""

    project: Path
    recipe: Recipe


@dataclass(frozen=True)
class RankBackbones:
    """Rank the installed backbones, or those named, on the project's images. Result: a tuple of Ranked."""

    project: Path
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShowViews:
    """Some of the project's films as the network will see them, with augmented views. Result: ViewsShown."""

    project: Path
    recipe: Recipe
    films: int = 3
    views: int = 5


@dataclass(frozen=True)
class AddWeights:
    """Take a weight file in. Result: WeightsAdded. title and task are needed for weights that Fineray does not know."""

    file: Path
    backbone: str = ""
    title: str = ""
    task: str = ""
    data: str = ""
    licence: str = ""


@dataclass(frozen=True)
class DownloadWeights:
    """Fetch the published weights of a backbone; the one request that goes online. Result: WeightsAdded."""

    backbone: str


@dataclass(frozen=True)
class RunDemo:
    """Make the demo study in a new folder, import it, train. Result: RunDone."""

    folder: Path


@dataclass(frozen=True)
class ReadImage:
    """Read an image at full depth from its DICOM file, or from the pixel store where the file is away.

    Result: ShownImage.
    """

    project: Path
    image: int


@dataclass(frozen=True)
class CheckCodecs:
    """Decode the built-in picture of every transfer syntax. Result: a tuple of CodecResult."""

    __test__ = False  # no test class, whatever pytest thinks of its name


@dataclass(frozen=True)
class LoadLibraries:
    """Import what training needs, so that it starts at once later. Result: the device in words."""


@dataclass(frozen=True)
class ExplainDevice:
    """What this computer computes on, and why not on something better. Result: DeviceFound."""


@dataclass(frozen=True)
class DeviceFound:
    """title: the device; explanation: what that means for the user."""

    title: str
    explanation: str


Request = (
    ImportFolders
    | PreviewLabels
    | ApplyLabels
    | MakeSplit
    | SealTest
    | FreezeRun
    | OpenTest
    | CompareReaders
    | IdentifyPatients
    | CheckData
    | ExportDeidentified
    | Train
    | RunControls
    | FindRate
    | RankBackbones
    | ShowViews
    | AddWeights
    | DownloadWeights
    | ReviewRequest
    | ModelRequest
    | PacsRequest
    | RunDemo
    | ReadImage
    | CheckCodecs
    | LoadLibraries
    | ExplainDevice
)


@dataclass(frozen=True)
class RunDone:
    """A run was written."""

    project: Path
    run: str


@dataclass(frozen=True)
class ShownImage:
    """An image for the viewer. full_depth is False where only the 8-bit stored pixels were at hand.

    spacing_mm: (row, column) distance of neighbouring pixels, None if unknown.
    """

    image: int
    gray: GrayImage
    full_depth: bool
    spacing_mm: tuple[float, float] | None


Result = (
    ImportSummary
    | LabelPreview
    | int
    | Split
    | Seal
    | Agreement
    | ExportSummary
    | tuple[CheckResult, ...]
    | tuple[CodecResult, ...]
    | tuple[Ranked, ...]
    | tuple[Control, ...]
    | RateCurve
    | WeightsAdded
    | ViewsShown
    | ReviewResult
    | ModelResult
    | PacsResult
    | DeviceFound
    | RunDone
    | ShownImage
    | str
)


# What can be paused and goes on where it was when it is asked for again: cancelled it is given up. Of any other request
# the part that is finished is kept either way.
Pausable = Train | RunControls


@dataclass(frozen=True)
class Submit:
    """Do this request; job is a number that the sender chose."""

    job: int
    request: Request


@dataclass(frozen=True)
class Pause:
    """Stop a job for now: all that it did is kept, and the same request goes on from there."""

    job: int


@dataclass(frozen=True)
class Cancel:
    """Stop a job and give it up: what was kept to go on from is thrown away."""

    job: int


@dataclass(frozen=True)
class Leave:
    """The window closes: end the process now; what was finished is on the disk."""


@dataclass(frozen=True)
class Reported:
    """What a job reported since the last such event; at most about ten a second.

    elapsed in seconds; rate in units a second and remaining in seconds belong to the last Progress among the
    reports, None where unknown.
    """

    job: int
    reports: tuple[ProgressEvent, ...]
    elapsed: float
    rate: float | None
    remaining: float | None


@dataclass(frozen=True)
class Alive:
    """The worker process runs; sent every few seconds, whatever it does."""


@dataclass(frozen=True)
class Finished:
    """The job is done."""

    job: int
    result: Result


@dataclass(frozen=True)
class Stopped:
    """The job was paused or cancelled."""

    job: int


@dataclass(frozen=True)
class Failed:
    """The job failed: what, where and what to do in the user's words; details are for a bug report. process_unfit: the
    worker leaves, since no later job of its could succeed."""

    job: int
    what: str
    where: str
    todo: str
    details: str = ""
    process_unfit: bool = False


Event = Reported | Finished | Stopped | Failed
FromWorker = Event | Alive
EndEvent = Finished | Stopped | Failed
