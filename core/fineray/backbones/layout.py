"""Where a network keeps its channels, found out from the network itself: what gives no maps is refused in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from fineray.errors import FinerayError, device_error

PROBES = ((64, 96), (96, 64))  # rows and columns of two images; each side differs, so that channels alone stay
INSTEAD = {  # CNNs of timm that are known to work, and their parameters in millions
    "mobilenetv3_small_100": 2.5,
    "convnext_atto": 3.7,
    "efficientnet_b0": 5.3,
    "mobilenetv3_large_100": 5.5,
    "resnet18": 11.7,
    "convnext_nano": 15.6,
    "resnet50": 25.6,
    "convnext_tiny": 28.6,
    "resnet101": 44.5,
    "convnext_small": 50.2,
    "convnext_base": 88.6,
    "convnext_large": 197.8,
}
Outputs = Callable[[torch.Tensor], Sequence[object]]
Shape = tuple[int, ...] | None  # of an output; None where it is no tensor


class NotACnn(FinerayError):
    """The network gives no maps of channels that could be pooled."""


def refused(name: str, why: str, parameters: int = 0) -> NotACnn:
    """The error of a network that cannot be used. parameters: how many it has, for CNNs of about its size."""
    near = sorted(INSTEAD, key=lambda each: abs(INSTEAD[each] - parameters / 1e6))[:3]
    listed = ", ".join(f"timm:{each}" for each in near)
    return NotACnn(f"{name} {why}", todo=f"Choose a CNN instead; of about its size are {listed}.")


def channel_axes(name: str, parameters: int, side: int, outputs: Outputs) -> tuple[int, ...]:
    """Which axis of each stage's output holds its channels: 1 or 3.

    side: of the network's own square input; outputs: images [1, 1, rows, columns] -> what the stages give, the last
    one last. Raises NotACnn where it is anything but maps whose sides follow the image's.
    """
    try:
        shapes = [_shapes(outputs, *sides) for sides in PROBES]
    except Exception as error:  # whatever a foreign network makes of an image that it was not written for
        if found := device_error(error):
            raise found from error
        why = TOKENS if _gives_tokens(outputs, side) else "cannot read images of every size, as Fineray needs"
        raise refused(name, why, parameters) from error
    axes = [_axis(one, two) for one, two in zip(*shapes, strict=True)]
    if 0 in axes:
        raise refused(name, TOKENS if _are_tokens(shapes[0]) else NO_MAPS, parameters)
    return tuple(axes)


TOKENS = "turns an image into a row of tokens, as transformers do, which Fineray cannot pool yet"
NO_MAPS = "gives something else than maps of channels, which Fineray cannot pool"


def channels_first(maps: torch.Tensor, axis: int) -> torch.Tensor:
    """Maps whose channels lie on that axis -> [images, channels, rows, columns]."""
    return maps if axis == 1 else maps.movedim(axis, 1)


def _shapes(outputs: Outputs, rows: int, columns: int) -> list[Shape]:
    with torch.inference_mode():
        found = outputs(torch.zeros(1, 1, rows, columns))
    return [tuple(each.shape) if isinstance(each, torch.Tensor) else None for each in found]


def _gives_tokens(outputs: Outputs, side: int) -> bool:
    """Whether it does so at its own size, the only one that it reads."""
    try:
        return _are_tokens(_shapes(outputs, side, side))
    except Exception:  # then nothing is known of it but that it cannot be used
        return False


def _are_tokens(shapes: Sequence[Shape]) -> bool:
    return any(shape is not None and len(shape) == 3 for shape in shapes)


def _axis(one: Shape, two: Shape) -> int:
    """1 or 3; 0 where the output is no map, or its sides do not follow the image's."""
    if one is None or two is None or len(one) != 4 or len(two) != 4:
        return 0
    for axis, sides in ((1, (2, 3)), (3, (1, 2))):
        wide, tall = ([shape[side] for side in sides] for shape in (one, two))
        if one[axis] == two[axis] and wide[0] < wide[1] and wide == tall[::-1]:
            return axis
    return 0
