"""What a run's folder says of it: figures and where they come from, what was frozen, the sealed test set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fineray.backbones.catalogue import WeightsSource
from fineray.evaluation.evaluation import Evaluation
from fineray.evaluation.operating_point import OperatingPoint
from fineray.project.project import STORE_SIDE
from fineray.project.seal import Seal
from fineray.project.splits import EXTERNAL, SplitPlan

FORMAT = 2  # 1: `several`, `backbone.side`, classes without counts


@dataclass(frozen=True)
class BackboneUsed:
    """input_size: pixels a side; stored_side: the longest side of the stored images that the run learned from; what is
    predicted is brought to it too; weights_sha256: empty from random weights; widths: features of each stage;
    feature_space: names what the features depend on, empty where none were used; source: what was said of the weights
    at the time, None from scratch and for runs of earlier versions."""

    name: str
    title: str
    input_size: int
    weights_sha256: str
    widths: tuple[int, ...] = ()
    feature_space: str = ""
    source: WeightsSource | None = None
    stored_side: int = STORE_SIDE

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> BackboneUsed:
        """What files hold."""
        source = told.get("source")
        return BackboneUsed(
            str(told.get("name", "")),
            str(told.get("title", "")),
            int(told.get("input_size", told.get("side", 0))),
            str(told.get("weights_sha256", "")),
            tuple(int(width) for width in told.get("widths", ())),
            str(told.get("feature_space", "")),
            WeightsSource(**source) if source else None,
            int(told.get("stored_side", STORE_SIDE)),
        )


@dataclass(frozen=True)
class SplitUsed:
    """How the images were split, as SplitPlan; kind: also `external`, for images that judge a model from elsewhere."""

    kind: str
    hash: str
    folds: int = 0
    seed: int = 0
    validation_share: float = 0.0
    test_share: float = 0.0
    by: str = ""
    test_values: tuple[str, ...] = ()
    stratify: tuple[str, ...] = ()

    @staticmethod
    def of(plan: SplitPlan, split_hash: str) -> SplitUsed:
        """A kept split's."""
        return SplitUsed(hash=split_hash, **asdict(plan))

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> SplitUsed:
        """What files hold; a package brings no values of attributes along."""
        values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in told.items()}
        return SplitUsed(**{"kind": "folds", "hash": "", **values})


@dataclass(frozen=True)
class JudgedElsewhere:
    """A model from elsewhere on this project's images. model: the run that was opened; trained_as: its name where it
    was trained; left_out: images by reason; point: the model's own."""

    model: str
    trained_as: str
    left_out: dict[str, int]
    point: OperatingPoint

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> JudgedElsewhere:
        """What files hold."""
        point = OperatingPoint.from_json(told["point"])
        return JudgedElsewhere(str(told["model"]), str(told["trained_as"]), dict(told["left_out"]), point)


@dataclass(frozen=True)
class RunMetrics:
    """metrics.json (docs/project-format.md). created: UTC, ISO 8601; engine: that computed the features; data_sha256:
    of images and labels; seal: hash of the sealed test set, None where there was none; temperatures, strengths,
    inner_folds: by fold, and `final`; search: what was found to be better, None without a search; seconds: by part of
    the work, and `total`; external: only for a model from elsewhere."""

    figures: Evaluation
    split: SplitUsed
    backbone: BackboneUsed
    label_set: str = ""
    mode: str = ""
    created: str = ""
    fineray: str = ""
    device: str = ""
    engine: str = "torch"
    data_sha256: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    seal: str | None = None
    temperature: float = 1.0
    temperatures: dict[str, float] = field(default_factory=dict)
    strengths: dict[str, float] = field(default_factory=dict)
    inner_folds: dict[str, int] | None = None
    search: dict[str, Any] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    external: JudgedElsewhere | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in the order of probabilities."""
        return self.figures.classes

    @property
    def multilabel(self) -> bool:
        """Whether classes are findings that may stand side by side."""
        return self.figures.multilabel

    @property
    def judged_elsewhere(self) -> bool:
        """Whether the images came apart from those that the model was made on."""
        return self.split.kind == EXTERNAL

    def to_json(self) -> dict[str, Any]:
        """As metrics.json keeps it: the figures stand beside the rest."""
        rest = {name: value for name, value in asdict(self).items() if name != "figures" and value is not None}
        if self.external is not None:
            rest["external"]["point"] = self.external.point.to_json()
        if self.backbone.source is None:
            del rest["backbone"]["source"]
        return {"format": FORMAT, **self.figures.to_json(), **rest, "seal": self.seal}

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> RunMetrics:
        """What to_json() gave, or files of format 1. Raises KeyError, TypeError, ValueError or AttributeError for
        anything else."""
        if int(told.get("format", 1)) > FORMAT:
            raise ValueError("a format of a later version")
        texts = ("label_set", "mode", "created", "fineray", "device", "data_sha256")
        external = told.get("external")
        return RunMetrics(
            figures=Evaluation.from_json(told),
            split=SplitUsed.from_json(told["split"]),
            backbone=BackboneUsed.from_json(told.get("backbone", {})),
            **{name: str(told.get(name, "")) for name in texts},
            engine=str(told.get("engine", "torch")),
            environment=dict(told.get("environment", {})),
            seal=told.get("seal"),
            temperature=float(told.get("temperature", 1.0)),
            temperatures=dict(told.get("temperatures", {})),
            strengths=dict(told.get("strengths", {})),
            inner_folds=told.get("inner_folds"),
            search=told.get("search"),
            seconds=dict(told.get("seconds", {})),
            external=JudgedElsewhere.from_json(external) if external else None,
        )


@dataclass(frozen=True)
class Frozen:
    """A run's model and operating point, fixed; of findings that stand side by side the point of each. frozen: when;
    seal: of the test set that it waits for; hashes: SHA-256 of the files that hold the model."""

    point: OperatingPoint
    frozen: str
    seal: str
    hashes: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """As frozen.json keeps it."""
        return {"format": 1, **asdict(self), "point": self.point.to_json()}

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> Frozen:
        """What to_json() gave."""
        point = OperatingPoint.from_json(told["point"])
        return Frozen(point, str(told["frozen"]), str(told["seal"]), dict(told["hashes"]))


@dataclass(frozen=True)
class SealedTest:
    """The figures on the sealed test set at the frozen point. opening: its number; labels_changed: of sealed images,
    since they were sealed; seal: as it was made."""

    figures: Evaluation
    point: OperatingPoint
    opening: int
    opened: str
    labels_changed: int
    seal: Seal

    def to_json(self) -> dict[str, Any]:
        """As test_metrics.json keeps it."""
        rest = {name: getattr(self, name) for name in ("opening", "opened", "labels_changed")}
        rest["seal"] = asdict(self.seal)
        return {"format": FORMAT, **self.figures.to_json(), "operating_point": self.point.to_json(), **rest}

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> SealedTest:
        """What to_json() gave, or files of format 1."""
        return SealedTest(
            Evaluation.from_json(told),
            OperatingPoint.from_json(told["operating_point"]),
            int(told["opening"]),
            str(told["opened"]),
            int(told["labels_changed"]),
            Seal(**told["seal"]),
        )
