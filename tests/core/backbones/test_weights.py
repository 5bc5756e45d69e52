"""The weights are the ones the manifest names, in the right layers, with their own normalisation, frozen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fineray.backbones.catalogue import (
    Backbone,
    UnknownBackbone,
    backbone,
    backbones,
    manifest,
    weights_file,
)
from fineray.backbones.cutting import cut
from fineray.backbones.runtime import OpenVino, Runtime, with_folded_batch_norms
from fineray.backbones.surgery import (
    FeatureNetwork,
    architecture,
    feature_network,
    pretrained,
    widths_of,
    with_gray_input,
)
from fineray.backbones.weights import (
    WeightsDamaged,
    WeightsNotInstalled,
    load_weights,
    with_names_of,
)

LITE0 = backbone("efficientnet_lite0")
NAMES = [
    *(
        "efficientnet_lite0",
        "efficientnet_lite1",
        "efficientnet_lite2",
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
    ),
    *("densenet121", "efficientnet_b0", "efficientnet_v2_s", "mobilenet_v3_large", "convnext_tiny"),
]


def test_the_default_is_here_and_the_others_say_that_they_are_not(home: Path) -> None:
    assert [each.name for each in backbones()] == NAMES
    assert weights_file(LITE0) is not None
    for each in backbones():
        if each.weights.package:
            continue
        assert weights_file(each) is None
        with pytest.raises(WeightsNotInstalled) as caught:
            load_weights(each)
        assert f"fineray weights add {each.weights.file}" in caught.value.todo
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
    monkeypatch.setattr("fineray.backbones.weights.weights_file", lambda chosen: bad)
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
    monkeypatch.setattr("fineray.backbones.weights.weights_file", lambda chosen: bad)
    with pytest.raises(WeightsDamaged, match="safely"):
        load_weights(replace(LITE0, weights=replace(LITE0.weights, sha256=digest)))


@pytest.mark.integration
@pytest.mark.parametrize("chosen", manifest(), ids=lambda each: each.name)
def test_the_manifest_tells_the_truth_about_each_network(chosen: Backbone) -> None:
    model = architecture(chosen)
    staged = 0
    for stage in chosen.stages:
        count = sum(p.numel() for name in stage.modules for p in model.get_submodule(name).parameters())
        assert count == stage.parameters, stage.name
        staged += count
    assert staged == chosen.parameters, "every parameter belongs to exactly one stage"
    network = feature_network(model, chosen).eval()
    assert sum(widths_of(network)) == chosen.features
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, 224, 224)).shape == (1, chosen.features)
    for stages in range(1, len(chosen.stages)):
        frozen, learning = cut(network, chosen, stages)  # proves itself
        learns = sum(parameter.numel() for parameter in learning.rest.network.parameters())
        assert frozen is not None and learns <= sum(stage.parameters for stage in chosen.stages[stages:])


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "convnext_tiny"])
def test_one_gray_channel_gives_what_three_equal_colours_give(name: str) -> None:
    chosen = backbone(name)
    torch.manual_seed(0)
    model = architecture(chosen).eval()
    shade = torch.rand(2, 1, 224, 224)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (chosen.mean, chosen.std))
    with torch.inference_mode():
        first = next(module for module in model.modules() if isinstance(module, torch.nn.Conv2d))
        expected = first((shade.expand(-1, 3, -1, -1) - mean) / std)
        gray_mean, gray_std = with_gray_input(model, chosen.mean, chosen.std)
        summed = next(module for module in model.modules() if isinstance(module, torch.nn.Conv2d))
        got = summed((shade - gray_mean) / gray_std)
    assert summed.weight.shape[1] == 1
    torch.testing.assert_close(got[:, :, 4:-4, 4:-4], expected[:, :, 4:-4, 4:-4], rtol=1e-4, atol=1e-4)
    if len(set(chosen.mean)) == 1:
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.integration
def test_folded_batch_norms_give_the_same_features() -> None:
    model, _ = pretrained(LITE0)
    folded = with_folded_batch_norms(model, 224)
    assert folded is not model
    assert not any(
        isinstance(each, torch.nn.BatchNorm2d) and each.running_mean is not None for each in folded.modules()
    )
    batch = torch.rand(4, 1, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected, got = model(batch), folded(batch)
    assert torch.allclose(got, expected, atol=1e-4 * float(expected.abs().max()))


def test_a_fold_that_does_not_prove_itself_is_not_used() -> None:
    class Odd(FeatureNetwork):
        """Its batch norm stands beside the convolution but is applied first."""

        def __init__(self) -> None:
            super().__init__(torch.nn.Identity(), (), 0.0, 1.0)
            self.conv = torch.nn.Conv2d(1, 1, 3)
            self.norm = torch.nn.BatchNorm2d(1)
            self.norm.running_mean = torch.tensor([1.0])

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.conv(self.norm(images)).mean((2, 3))

    model = Odd().eval()
    assert with_folded_batch_norms(model, 16) is model


@pytest.mark.integration
def test_features_do_not_depend_on_the_batch_or_on_anything_learned() -> None:
    runtime = Runtime(LITE0, torch.device("cpu"))
    images = np.random.default_rng(0).integers(0, 256, size=(5, 224, 224), dtype=np.uint8)
    together = runtime.features(images)
    alone = np.concatenate([runtime.features(image[None]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-3 * np.abs(together).max())
    np.testing.assert_array_equal(runtime.features(images), together)
    assert together.dtype == np.float32


@pytest.mark.integration
def test_features_are_the_pooled_maps_of_every_stage() -> None:
    batch = torch.rand(2, 1, 224, 224, generator=torch.Generator().manual_seed(2))
    model, _ = pretrained(LITE0)
    network = model.network
    with torch.inference_mode():
        stages = model.by_stage(batch)
        stem = network.bn1(network.conv_stem((batch - 0.5) / 0.5))
        maps = network.blocks[:5](stem)
        assert [stage.shape[1] for stage in stages] == list(widths_of(model))
        assert torch.allclose(stages[0], stem.mean((2, 3)), atol=1e-5)
        assert torch.allclose(stages[5], maps.mean((2, 3)), atol=1e-4)
        last = network.forward_features((batch - 0.5) / 0.5)
        assert torch.allclose(stages[-1], last.mean((2, 3)), atol=1e-4)
        both, _ = pretrained(LITE0, "mean and deviation")
        features = both.by_stage(batch)[5]
        width = maps.shape[1]
        assert torch.allclose(features[:, :width], stages[5], atol=1e-4)
        assert torch.allclose(features[:, width:], maps.std((2, 3), correction=0), atol=1e-3)


@pytest.mark.integration
def test_openvino_gives_the_same_features() -> None:
    pytest.importorskip("openvino")
    plain, compiled = (Runtime(LITE0, torch.device("cpu")) for _ in range(2))
    compiled._compiled = OpenVino(compiled._model, 224)
    images = np.random.default_rng(0).integers(0, 256, size=(11, 224, 224), dtype=np.uint8)
    expected, got = plain.features(images), compiled.features(images)
    np.testing.assert_allclose(got, expected, atol=1e-4 * float(np.abs(expected).max()))
    few = Runtime(LITE0, torch.device("cpu"))
    few.expect(10)
    assert few.engine == "torch", "a few images are not worth compiling for"


def test_the_manifest_is_sound_json() -> None:
    manifest = json.loads((Path(__file__).parents[3] / "resources/fineray_resources/backbones.json").read_text("utf-8"))
    assert manifest["format"] == 1
    for entry in manifest["backbones"]:
        assert entry["licence"]
        assert entry["source_task"]
