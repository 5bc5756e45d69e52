"""The weights are the ones the manifest names, in the right layers, with their own normalisation, frozen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import get_model

from core.backbones.catalogue import UnknownBackbone, backbone, backbones, weights_file
from core.backbones.runtime import TorchRuntime, with_folded_batch_norms
from core.backbones.surgery import FeatureNetwork, architecture, pretrained, without_last_layer
from core.backbones.weights import WeightsDamaged, WeightsNotInstalled, load_weights, with_names_of

LITE0 = backbone("efficientnet_lite0")


def test_the_default_is_here_and_the_others_say_that_they_are_not(home: Path) -> None:
    assert [each.name for each in backbones()] == ["efficientnet_lite0", "resnet18", "resnet50", "densenet121"]
    assert weights_file(LITE0) is not None
    for each in backbones()[1:]:
        assert weights_file(each) is None
        with pytest.raises(WeightsNotInstalled) as caught:
            load_weights(each)
        assert str(home) in caught.value.todo
    with pytest.raises(UnknownBackbone, match="vgg"):
        backbone("vgg")


def test_normalisation_is_the_weights_own() -> None:
    # With the mean and std of torchvision's models these weights lose 6 points of top-1 accuracy.
    assert LITE0.mean == LITE0.std == (0.5, 0.5, 0.5)
    assert backbone("resnet18").mean == (0.485, 0.456, 0.406)


def test_every_layer_holds_the_weights_that_were_trained_for_it() -> None:
    state, digest = load_weights(LITE0)
    assert digest.startswith("579344248a93")
    model = architecture(LITE0)
    model.load_state_dict(with_names_of(model, LITE0, state))
    model.eval()
    # The statistics of each batch norm fit the activations that it sees; two layers swapped would break that.
    seen: list[float] = []
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(
                lambda m, inputs, out: seen.append(
                    float(((inputs[0].mean((0, 2, 3)) - m.running_mean).abs() / m.running_var.sqrt()).median())
                )
            )
    with torch.inference_mode():
        model(_photograph())
    assert len(seen) > 40
    assert np.median(seen) < 0.6


def _photograph() -> torch.Tensor:
    """A natural photograph (scikit-learn's flower), normalised."""
    from sklearn.datasets import load_sample_image

    picture = torch.from_numpy(load_sample_image("flower.jpg").copy()).permute(2, 0, 1)[None].float() / 255
    picture = torch.nn.functional.interpolate(
        picture[:, :, :, 100:527], size=(224, 224), mode="bicubic", antialias=True
    )
    return (picture - 0.5) / 0.5


def test_the_default_weights_see_a_flower() -> None:
    """The whole network, layers in order, names the photograph of a dahlia as ImageNet's nearest class, the daisy."""
    state, _ = load_weights(LITE0)
    model = architecture(LITE0)
    model.load_state_dict(with_names_of(model, LITE0, state))
    with torch.inference_mode():
        assert int(model.eval()(_photograph()).argmax()) == 985


def test_a_damaged_or_foreign_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights_file(LITE0)
    assert path is not None
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    bad = tmp_path / "bad.pth"
    bad.write_bytes(damaged)
    monkeypatch.setattr("core.backbones.weights.weights_file", lambda chosen: bad)
    with pytest.raises(WeightsDamaged, match="not the one"):
        load_weights(LITE0)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("code ran",)

    bad = tmp_path / "evil.pth"
    torch.save({"a": Evil()}, bad)
    digest = hashlib.sha256(bad.read_bytes()).hexdigest()
    monkeypatch.setattr("core.backbones.weights.weights_file", lambda chosen: bad)
    with pytest.raises(WeightsDamaged, match="safely"):
        load_weights(replace(LITE0, weights=replace(LITE0.weights, sha256=digest)))


@pytest.mark.parametrize("chosen", backbones(), ids=lambda each: each.name)
def test_the_manifest_tells_the_truth_about_each_network(chosen: object) -> None:
    model = architecture(chosen)  # type: ignore[arg-type]
    cut = without_last_layer(model, chosen.taps)  # type: ignore[attr-defined]
    assert sum(p.numel() for p in cut.parameters()) == chosen.parameters  # type: ignore[attr-defined]
    with torch.inference_mode():
        features = cut.eval()(torch.zeros(1, 3, chosen.input_size, chosen.input_size))  # type: ignore[attr-defined]
    assert features.shape == (1, chosen.features)  # type: ignore[attr-defined]
    staged = 0
    for stage in chosen.stages:  # type: ignore[attr-defined]
        count = sum(p.numel() for name in stage.modules for p in cut.network.get_submodule(name).parameters())
        assert count == stage.parameters, stage.name
        staged += count
    assert staged == chosen.parameters, "every parameter belongs to exactly one stage"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_torchvision_weight_files_load(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file as torchvision publishes it (densenet with its old names), random numbers inside."""
    import hashlib

    chosen = backbone(name)
    torch.manual_seed(0)
    state = {
        key: value for key, value in get_model(name, weights=None).state_dict().items() if "num_batches" not in key
    }
    if name == "densenet121":
        state = {key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): value for key, value in state.items()}
    path = home / "weights" / chosen.weights.file
    path.parent.mkdir()
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    chosen = replace(chosen, weights=replace(chosen.weights, sha256=digest))
    model, _ = pretrained(chosen)
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_folded_batch_norms_give_the_same_features() -> None:
    model, _ = pretrained(LITE0)
    folded = with_folded_batch_norms(model, 224)
    assert folded is not model
    assert not any(
        isinstance(each, torch.nn.BatchNorm2d) and each.running_mean is not None for each in folded.modules()
    )
    batch = torch.randn(4, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected, got = model(batch), folded(batch)
    assert torch.allclose(got, expected, atol=1e-4 * float(expected.abs().max()))


def test_a_fold_that_does_not_prove_itself_is_not_used() -> None:
    class Odd(torch.nn.Module):
        """Its batch norm stands beside the convolution but is applied first."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 3, 3)
            self.norm = torch.nn.BatchNorm2d(3)
            self.norm.running_mean = torch.tensor([1.0, 2.0, 3.0])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(self.norm(x)).mean((2, 3))

    model = Odd().eval()
    assert with_folded_batch_norms(model, 16) is model


def test_features_do_not_depend_on_the_batch_or_on_anything_learned() -> None:
    runtime = TorchRuntime(LITE0, torch.device("cpu"))
    images = np.random.default_rng(0).integers(0, 256, size=(5, 224, 224), dtype=np.uint8)
    together = runtime.features(images)
    alone = np.concatenate([runtime.features(image[None]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-3 * np.abs(together).max())
    np.testing.assert_array_equal(runtime.features(images), together)
    assert together.dtype == np.float32


def test_taps_are_the_mean_activations_of_their_stages() -> None:
    model, _ = pretrained(LITE0)
    assert isinstance(model, FeatureNetwork)
    batch = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        features = model(batch)
        stem = model.network.bn1(model.network.conv_stem(batch))
        by_hand = model.network.blocks[:5](stem).mean((2, 3))
        last = model.network(batch)
    width = last.shape[1]
    assert torch.allclose(features[:, :width], last)
    assert torch.allclose(features[:, width : width + by_hand.shape[1]], by_hand, atol=1e-4)


def test_the_manifest_is_sound_json() -> None:
    manifest = json.loads((Path(__file__).parents[3] / "resources/backbones.json").read_text("utf-8"))
    assert manifest["format"] == 1
    for entry in manifest["backbones"]:
        assert entry["licence"]
        assert entry["source_task"]
