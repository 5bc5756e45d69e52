"""Weight packs: known files are checked and converted, unknown ones described, unfit and unsafe ones refused."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torchvision.models import get_model

from fineray.backbones.adding import (
    DownloadFailed,
    WeightSource,
    add_weights,
    download_weights,
)
from fineray.backbones.catalogue import (
    Backbone,
    backbone,
    backbones,
    manifest,
    unreadable_records,
    weights_file,
)
from fineray.backbones.describing import NotACnn, describe
from fineray.backbones.surgery import pretrained
from fineray.backbones.weights import WeightsDamaged
from fineray.progress import Cancelled, Monitor, Progress, ProgressEvent


class Listener(Monitor):
    """Keeps what it hears, and gives up after so many reports."""

    def __init__(self) -> None:
        self.heard: list[ProgressEvent] = []
        self.patience = 1 << 30

    def report(self, what: ProgressEvent) -> None:
        self.heard.append(what)

    def check(self) -> None:
        if len(self.heard) >= self.patience:
            raise Cancelled


def published(name: str, folder: Path) -> Path:
    """A file as torchvision publishes it (DenseNet with its old names, no counters), random numbers inside."""
    torch.manual_seed(0)
    state = {key: value for key, value in get_model(name).state_dict().items() if "num_batches" not in key}
    if name == "densenet121":
        state = {key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): value for key, value in state.items()}
    path = folder / f"{name}.pth"
    torch.save(state, path)
    return path


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Let the manifest name a file that stands for the published one."""

    def know(name: str, path: Path, url: str = "") -> Backbone:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        entry = backbone(name)
        entry = replace(entry, weights=replace(entry.weights, file=path.name, sha256=digest[:8], url=url))
        rest = tuple(each for each in manifest() if each.name != name)
        for module in ("fineray.backbones.adding", "fineray.backbones.catalogue"):
            monkeypatch.setattr(f"{module}.manifest", lambda: (*rest, entry))
        return entry

    yield know


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        *(pytest.param(each, marks=pytest.mark.integration) for each in ("densenet121", "mobilenet_v3_large")),
    ],
)
def test_a_known_file_is_checked_and_converted_once(name: str, home: Path, tmp_path: Path, known) -> None:  # type: ignore[no-untyped-def]
    path = published(name, tmp_path)
    known(name, path)
    added = add_weights(path)
    assert added.name == name and weights_file(backbone(name)) is not None
    network, digest = pretrained(backbone(name))
    assert digest == added.weights.sha256 == hashlib.sha256(weights_file(added).read_bytes()).hexdigest()  # type: ignore[union-attr]
    assert hashlib.sha256(path.read_bytes()).hexdigest() in added.weights.origin
    first = next(each for each in get_model(name).state_dict())
    kept = load_file(weights_file(added))  # type: ignore[arg-type]
    torch.testing.assert_close(kept[first], torch.load(path, weights_only=True)[first])
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_changed_file_is_refused(home: Path, tmp_path: Path, known) -> None:  # type: ignore[no-untyped-def]
    path = published("resnet18", tmp_path)
    known("resnet18", path)
    damaged = bytearray(path.read_bytes())
    damaged[5000] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(WeightsDamaged, match="not the one"):
        add_weights(path)
    assert not list((home / "weights").glob("*")) if (home / "weights").exists() else True


def test_unknown_weights_need_a_source_and_stand_beside_the_known(home: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = get_model("resnet18", num_classes=14).state_dict()
    path = tmp_path / "mine.pth"
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}, "epoch": 3}, path)
    with pytest.raises(WeightsDamaged, match="does not know"):
        add_weights(path)
    with pytest.raises(WeightsDamaged, match="written down"):
        add_weights(path, "resnet18", WeightSource(title="Hand images"))
    source = WeightSource("Hand images", "Bone age in years", "12,611 hand images", "CC0")
    added = add_weights(path, "resnet18", source)
    again = backbone("Hand images")
    assert again == added and again.source_task == "Bone age in years" and again.licence == "CC0"
    assert weights_file(backbone("resnet18")) is None
    network, _ = pretrained(again)
    torch.testing.assert_close(network.network.layer1[0].conv1.weight, state["layer1.0.conv1.weight"])
    (home / "weights" / "Hand-images.json").write_text("{", "utf-8")
    assert [path.name for path in unreadable_records()] == ["Hand-images.json"]
    assert "Hand images" not in [each.name for each in backbones()]


def test_what_does_not_fit_or_is_no_weights_is_refused(home: Path, tmp_path: Path) -> None:
    source = WeightSource("Mine", "Something")
    path = published("resnet18", tmp_path)
    with pytest.raises(WeightsDamaged, match="do not fit"):
        add_weights(path, "resnet50", source)
    other = tmp_path / "other.pth"
    torch.save([1, 2, 3], other)
    with pytest.raises(WeightsDamaged, match="something else"):
        add_weights(other, "resnet18", source)
    text = tmp_path / "text.safetensors"
    text.write_text("no tensors here")
    with pytest.raises(WeightsDamaged, match="safely"):
        add_weights(text, "resnet18", source)
    state = get_model("resnet18").state_dict()
    state["conv1.weight"][0] = float("nan")
    broken = tmp_path / "broken.safetensors"
    save_file(state, broken)
    with pytest.raises(WeightsDamaged, match="do not fit"):
        add_weights(broken, "resnet18", source)
    with pytest.raises(WeightsDamaged, match="no such file"):
        add_weights(tmp_path / "away.pth", "resnet18", source)
    assert not list((home / "weights").glob("*.json"))


def test_code_in_a_pickle_never_runs(home: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path(mark).write_text, ("x",)

    path = tmp_path / "evil.pth"
    torch.save({"a": Evil()}, path)
    with pytest.raises(WeightsDamaged, match="safely"):
        add_weights(path, "resnet18", WeightSource("Evil", "none"))
    assert not mark.exists()


@pytest.mark.integration
def test_any_timm_cnn_by_its_name(home: Path, tmp_path: Path) -> None:
    chosen = describe("timm:resnet14t")
    assert chosen.parameters == sum(stage.parameters for stage in chosen.stages) and len(chosen.stages) >= 4
    torch.manual_seed(2)
    path = tmp_path / "model.safetensors"
    save_file(timm.create_model("resnet14t").state_dict(), path)
    added = add_weights(path, "timm:resnet14t")
    network, _ = pretrained(backbone("timm:resnet14t"))
    with torch.inference_mode():
        assert network(torch.rand(1, 1, 224, 224)).shape[1] == added.features
    for name, match in (("timm:vit_tiny_patch16_224", "row of tokens"), ("timm:nothing", "no network")):
        with pytest.raises(NotACnn, match=match):
            describe(name)


def test_a_download_goes_through_the_same_checks(home: Path, tmp_path: Path, known) -> None:  # type: ignore[no-untyped-def]
    path = published("resnet18", tmp_path)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        known("resnet18", path, f"http://127.0.0.1:{server.server_address[1]}/{path.name}")
        listener = Listener()
        added = download_weights("resnet18", listener)
        megabytes = path.stat().st_size // 1_000_000
        assert listener.heard[-1] == Progress("Fetching weights", megabytes, megabytes, "MB")
        assert len(listener.heard) > 2 and weights_file(added) is not None
        listener.heard.clear()
        listener.patience = 1
        with pytest.raises(Cancelled):
            download_weights("resnet18", listener)
        assert len(listener.heard) == 1, "stopped between two blocks"
        path.write_bytes(b"something else")
        with pytest.raises(WeightsDamaged):
            download_weights("resnet18", Monitor())
        path.unlink()
        with pytest.raises(DownloadFailed, match="404"):
            download_weights("resnet18", Monitor())
        server.shutdown()
    with pytest.raises(DownloadFailed, match="package"):
        download_weights("efficientnet_lite0", Monitor())
