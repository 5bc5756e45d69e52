"""The backbones on offer: what each was trained on, what it costs, and whether its weights are here.

Reads the manifest and the records of added weights only; nothing of torch is imported, so that the window can show the
list at once.
"""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from fineray.errors import FinerayError, nearest
from fineray.system.output_file import whole_file
from fineray.system.user_folder import user_folder

DEFAULT_BACKBONE = "efficientnet_lite0"
TIMM = "timm:"  # before the name of any CNN of timm
BROUGHT_RECORD, BROUGHT_WEIGHTS = "backbone.json", "backbone.safetensors"


class UnknownBackbone(FinerayError):
    """No backbone of that name is in the catalogue."""


@dataclass(frozen=True)
class Stage:
    """A run of layers that is frozen or trained as one. modules: names inside the network; parameters: count."""

    name: str
    modules: tuple[str, ...]
    parameters: int


@dataclass(frozen=True)
class WeightPack:
    """Where pretrained weights come from. sha256: the whole digest, or its first eight digits as torchvision names it.

    package: the Python package that carries the file, or empty for a file in the user's folder of weights (or of that
    whole path); url: where
    its makers publish the file, asked only when the user orders a download; origin: the file that added weights were
    converted from, with its SHA-256.
    """

    file: str
    sha256: str
    package: str = ""
    url: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Backbone:
    """A pretrained CNN without its last layer.

    input_size: side in pixels of the square input that it was trained with; mean, std: its own normalisation of colours
    in 0..1; features: numbers an image becomes, one a channel of each stage's map; parameters: without the last layer.
    """

    name: str
    title: str
    library: Literal["timm", "torchvision"]
    architecture: str
    source_task: str
    source_data: str
    source_result: str
    licence: str
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    features: int
    parameters: int
    stages: tuple[Stage, ...]
    weights: WeightPack


@dataclass(frozen=True)
class WeightsSource:
    """What is said of a backbone's weights, and by whom. known: `published` (the file is the one of which the manifest,
    or timm of what it publishes there, says this), `stated` (whoever added the file wrote it), `package` (the package
    says it that brought the weights), or `unknown` (a file of which nobody said what it was trained for). origin: where
    the file was fetched, if it was, and its SHA-256; the name of a file of one's own stays on this computer."""

    task: str
    data: str
    licence: str
    origin: str
    known: Literal["published", "stated", "package", "unknown"]


@cache
def manifest() -> tuple[Backbone, ...]:
    """The backbones that Fineray knows from the start, the default first."""
    entries = json.loads(resources.files("fineray_resources").joinpath("backbones.json").read_text("utf-8"))
    return tuple(_backbone(entry) for entry in entries["backbones"])


def backbones() -> tuple[Backbone, ...]:
    """Every backbone: those of the manifest, and those whose weights the user added."""
    added = {each.name: each for each, _ in _records() if each is not None}
    known = [added.pop(each.name, each) for each in manifest()]
    return (*known, *added.values())


def unreadable_records() -> list[Path]:
    """Records of added weights that cannot be read; the weights count as not there."""
    return [path for each, path in _records() if each is None]


def weights_folder() -> Path:
    """Where added weights lie: `<sha256>.safetensors`, and `<backbone>.json` that says what they are."""
    return user_folder() / "weights"


def write_record(chosen: Backbone) -> None:
    """Keep what added weights are. chosen.weights names the converted file."""
    folder = weights_folder()
    folder.mkdir(exist_ok=True)
    with whole_file(folder / f"{_file_name(chosen.name)}.json") as partial:
        partial.write_text(json.dumps({"format": 1, "backbone": asdict(chosen)}, indent=1), "utf-8")


def backbone(name: str) -> Backbone:
    """The backbone of that name. Raises UnknownBackbone."""
    for candidate in backbones():
        if candidate.name == name:
            return candidate
    todo = nearest(name, (each.name for each in backbones()), "")
    if name.startswith(TIMM):
        todo = f"Add its weights first: fineray weights add FILE --backbone {name}"
    raise UnknownBackbone(f"There is no backbone named “{name}”", todo=todo)


def backbone_for(folder: Path, name: str) -> Backbone:
    """The backbone that a run folder brought along from elsewhere (backbone.json), or else the catalogue's of that
    name. Raises UnknownBackbone."""
    record = folder / BROUGHT_RECORD
    if not record.is_file():
        return backbone(name)
    brought = _backbone(json.loads(record.read_text("utf-8")))
    return replace(brought, weights=WeightPack(str((folder / BROUGHT_WEIGHTS).resolve()), brought.weights.sha256))


def weights_source(chosen: Backbone) -> WeightsSource:
    """What is known of the weights that a backbone has here."""
    pack = chosen.weights
    file, _, digest = pack.origin.rpartition(" ")
    same = (each for each in manifest() if each.name == chosen.name and each.architecture == chosen.architecture)
    expected = next((each.weights.sha256 for each in same), "")
    known: Literal["published", "stated", "package", "unknown"] = "stated"
    if Path(pack.file).name == BROUGHT_WEIGHTS:
        known = "package"
    elif expected and (digest or pack.sha256).startswith(expected):
        known = "published"
    elif chosen.name.startswith(TIMM):  # a file of one's own under timm's name may hold anything
        known = "published" if file.startswith("https://") else "unknown"
    origin = pack.origin if file.startswith("https://") else digest
    return WeightsSource(chosen.source_task, chosen.source_data, chosen.licence, origin, known)


def weights_file(chosen: Backbone) -> Path | None:
    """The file with the backbone's weights on this computer, or None where its weight pack is not installed."""
    pack = chosen.weights
    if pack.package:
        spec = importlib.util.find_spec(pack.package)
        folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
        candidates = [folder / pack.file for folder in folders]
    else:
        candidates = [weights_folder() / pack.file]
    return next((path for path in candidates if path.is_file()), None)


def _records() -> list[tuple[Backbone | None, Path]]:
    found: list[tuple[Backbone | None, Path]] = []
    for path in sorted(weights_folder().glob("*.json")):
        try:
            found.append((_backbone(json.loads(path.read_text("utf-8"))["backbone"]), path))
        except (OSError, ValueError, KeyError, TypeError):
            found.append((None, path))
    return found


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]", "-", name)


def _backbone(entry: dict[str, Any]) -> Backbone:
    fields: dict[str, Any] = {name: tuple(value) if name in ("mean", "std") else value for name, value in entry.items()}
    fields["stages"] = tuple(Stage(s["name"], tuple(s["modules"]), s["parameters"]) for s in entry["stages"])
    fields["weights"] = WeightPack(**entry["weights"])
    return Backbone(**fields)
