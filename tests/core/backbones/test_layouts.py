"""Every family of timm is read with its channels where they are, or is refused in words; nothing in between."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import timm
import torch

from fineray.backbones.catalogue import Backbone, Stage, WeightPack
from fineray.backbones.describing import NotACnn, describe
from fineray.backbones.layout import INSTEAD
from fineray.backbones.surgery import feature_network, freeze, pooled

# The smallest network of each of timm's modules, and relatives that keep their channels elsewhere.
SMALLEST = """
    beit_base_patch16_224 halonet_h1 test_byobnet cait_xxs24_224 coat_tiny convit_tiny convmixer_768_32
    test_convnext cpubone_nano crossvit_tiny_240 csatv2 cs3darknet_focus_s cspnext_tiny davit_tiny deepseek_vit_412m
    deit_tiny_patch16_224 densenet121 dla46x_c dpn48b edgenext_xx_small efficientformer_l1 efficientformerv2_s0
    test_efficientnet efficientvim_m1 efficientvit_b0 efficientvit_m0 vit_tiny_patch16_dinov3_qkvb fasternet_t0
    fastvit_t8 focalnet_tiny_srf gcvit_xxtiny gemma4_vit_167m ghostnet_050 hardcorenas_b hgnetv2_b0 hiera_tiny_224
    sam2_hiera_tiny hrnet_w18_small iformer_t inception_next_atto inception_resnet_v2 inception_v3 inception_v4
    lcnetv2_small levit_128s lowformer_b0 test_mambaout test_coatnet poolformerv2_s12 gmlp_ti16_224
    mobilenetv3_small_050 mobilenetv5_base mobilevit_xxs mvitv2_tiny naflexvit_base_patch16_parfac_gap nasnetalarge
    nest_tiny nextvit_small test_nfnet pit_ti_224 pnasnet5large pvt_v2_b0 qwen3_vit_88m rdnet_tiny regnetx_002
    repghostnet_050 repvit_m1 res2next50 resnest14d test_resnet resnetv2_18 rexnet_100 selecsls42 legacy_seresnet18
    sequencer2d_s shvit_s1 skresnet18 starnet_s050 swiftformer_xs swin_tiny_patch4_window7_224
    swinv2_tiny_window8_256 swinv2_cr_tiny_224 tiny_vit_5m_224 tnt_s_legacy_patch16_224 tresnet_m twins_svt_small
    vgg11 visformer_tiny test_vit vit_tiny_r_s16_p8_224 test_vit_relpos samvit_base_patch16_224 vitamin_small_224
    volo_d1_224 ese_vovnet19b_slim_dw legacy_xception xception41p xcit_nano_12_p8_224
"""
RELATIVES = """
    mambaout_femto vit_small_patch16_dinov3 test_vit2 coatnet_nano_cc_224 maxvit_pico_rw_256
    caformer_s18 convformer_s18 poolformer_s12 resnet26 efficientnet_lite0 convnext_atto mobilenetv4_conv_small
    botnet26t_256 lambda_resnet26t vit_base_r50_s16_224
"""
TAKEN = ["test_mambaout", "test_resnet", "test_convnext", "test_efficientnet", "test_nfnet"]
REFUSED = ["test_vit", "test_coatnet"]  # tokens; attention that reads one size of image
UNIT = (0.5, 0.5, 0.5)  # where all colours share a mean, one gray channel gives exactly what three do


def by_timm(name: str, chosen: Backbone, images: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """(pooled features a stage as timm itself gives them for colours, the same by ours), for the same weights."""
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False).eval()
    ours = freeze(feature_network(copy.deepcopy(model), replace(chosen, mean=UNIT, std=UNIT)))
    last_axis = 3 if getattr(model, "output_fmt", "NCHW") == "NHWC" else 1
    channels = {info["module"]: info["num_chs"] for info in model.feature_info}
    seen: dict[str, torch.Tensor] = {}
    for end in ours.ends:
        model.get_submodule(end).register_forward_hook(lambda m, i, out, end=end: seen.__setitem__(end, out.clone()))
    with torch.inference_mode():
        last = model.forward_features((images.expand(-1, 3, -1, -1) - 0.5) / 0.5)
        got = ours.by_stage(images)
    expected = []
    for end in ours.ends:
        axis = last_axis if seen[end].shape[last_axis] == channels[end] else 4 - last_axis
        assert seen[end].shape[axis] == channels[end], f"{end} has the channels that timm names"
        expected.append(seen[end].mean([side for side in (1, 2, 3) if side != axis]))
    return [*expected, last.mean((1, 2) if last_axis == 3 else (2, 3))], got


def check(name: str) -> str:
    """'taken' or 'refused'; fails where it is neither rightly."""
    try:
        chosen = describe(f"timm:{name}")
    except NotACnn as error:
        assert f"timm:{name} " in error.what and error.todo.startswith("Choose a CNN instead"), str(error)
        return "refused"
    images = torch.rand(2, 1, 96, 128, generator=torch.Generator().manual_seed(1))
    expected, got = by_timm(name, chosen, images)
    assert len(got) == len(chosen.stages) and sum(each.shape[1] for each in got) == chosen.features
    for stage, one, two in zip(chosen.stages, expected, got, strict=True):
        assert one.shape == two.shape, stage.name
        torch.testing.assert_close(two, one, rtol=0, atol=1e-4 * max(1e-6, float(one.abs().max())), msg=stage.name)
    return "taken"


@pytest.mark.parametrize(
    "name",
    [*TAKEN[:-1], pytest.param(TAKEN[-1], marks=pytest.mark.integration), *REFUSED],  # the last takes long
)
def test_a_network_is_read_as_timm_reads_it_or_refused(name: str) -> None:
    assert check(name) == ("taken" if name in TAKEN else "refused")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SMALLEST.split(), *RELATIVES.split()])
def test_every_family_of_timm_is_read_rightly_or_refused(name: str, record_property) -> None:  # type: ignore[no-untyped-def]
    record_property("layout", check(name))


def test_no_family_of_timm_is_left_out() -> None:
    listed = set(SMALLEST.split())
    assert not [module for module in timm.list_modules() if not listed & set(timm.list_models(module=module))]


def test_tokens_are_named_and_networks_that_work_are_named_instead() -> None:
    with pytest.raises(NotACnn, match="row of tokens") as caught:
        describe("timm:vit_small_patch16_dinov3")
    assert "timm:resnet50" in caught.value.todo, "of about its size"
    assert all(name in timm.list_models() for name in INSTEAD)


@pytest.mark.slow
@pytest.mark.parametrize("name", INSTEAD)
def test_what_is_named_instead_is_taken(name: str) -> None:
    assert check(name) == "taken"


def test_a_name_that_is_nearly_right_is_told() -> None:
    for asked, meant in (("resnet_50", "timm:resnet50"), ("resnet50.a1_in2k", "timm:resnet50.a1_in1k")):
        with pytest.raises(NotACnn) as caught:
            describe(f"timm:{asked}")
        assert meant in caught.value.todo


def test_channels_that_lie_last_are_pooled_over_rows_and_columns() -> None:
    class Blocks(torch.nn.Module):
        """Turns maps so that the channels lie last, as some networks keep them."""

        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = torch.nn.Conv2d(3, 4, 2, 2), torch.nn.Conv2d(4, 6, 2, 2)
            self.fc = torch.nn.Identity()

        def forward_features(self, images: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(images)).movedim(1, 3)

    stages = (Stage("1", ("first",), 0), Stage("2", ("second",), 0))
    chosen = Backbone("x", "x", "timm", "x", "", "", "", "", 64, UNIT, UNIT, 10, 0, stages, WeightPack("", ""))
    network = freeze(feature_network(Blocks(), chosen))
    images = torch.rand(2, 1, 64, 32)
    with torch.inference_mode():
        maps, (first, last) = network.maps(images), network.by_stage(images)
    assert [tuple(each.shape) for each in maps] == [(2, 4, 32, 16), (2, 6, 16, 8)]
    torch.testing.assert_close(last, pooled(maps[1], "mean"))
    assert first.shape == (2, 4)


@pytest.mark.integration
@pytest.mark.parametrize("name", ["test_nfnet", "resnetv2_50x1_bit"])
def test_a_layer_that_standardises_its_weights_sees_three_colours(name: str) -> None:
    chosen = describe(f"timm:{name}")
    model = timm.create_model(name).eval()
    ours = freeze(feature_network(copy.deepcopy(model), chosen))
    shades = torch.rand(2, 1, 96, 96, generator=torch.Generator().manual_seed(1))
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (chosen.mean, chosen.std))
    with torch.inference_mode():
        expected = model.forward_features((shades.expand(-1, 3, -1, -1) - mean) / std)
        got = ours.maps(shades)[-1]
    middle = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    torch.testing.assert_close(got[middle], expected[middle], rtol=0, atol=0.05 * float(expected.abs().max()))


def test_a_network_in_training_keeps_its_mode_and_its_statistics() -> None:
    chosen = describe("timm:test_resnet")
    model = timm.create_model("test_resnet").train()
    before = {key: value.clone() for key, value in model.state_dict().items() if "running" in key}
    network = feature_network(model, chosen)
    assert network.training and model.training
    assert all(torch.equal(model.state_dict()[key], value) for key, value in before.items())
