"""Where on an image the evidence for a class lies: Grad-CAM over every stage, and occlusion, which needs no gradient.

Maps are of the whole input square; image_part() cuts the image's own share out of it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.progress import Monitor, Progress
from fineray.training.model import TrainedModel

Map = NDArray[np.float32]

FINEST = 56  # rows of a map
SMOOTH = 5  # cells over which Grad-CAM is smoothed, as small as the detail that it can be trusted for
PATCH, STRIDE = 6, 4  # of the occlusion, in cells of FINEST
BATCH, CPU_BATCH = 16, 4  # patches at once; on a CPU as few as let a cancelled question go within a second


def grad_cam(model: TrainedModel, images: torch.Tensor, number: int) -> Map:
    """Evidence for class `number` of shades [images, 1, side, side], [images, 56, 56], signed.

    Grad-CAM (Selvaraju 2017) at every stage that the last layer sees: the gradient of the class's score weighs the
    channels, each less its mean over training images. With mean pooling and a linear last layer the mean of a map is
    the class's score itself, but for its constant: what is shown is what was counted.
    """
    maps = [each.detach().requires_grad_() for each in model.maps(images)]
    with torch.enable_grad():
        score = model.scores(maps)[:, number].sum()
        gradients = torch.autograd.grad(score, maps)
    usual = _channel_means(model, maps)
    total = torch.zeros(len(images), 1, FINEST, FINEST, device=images.device)
    for each, gradient, mean in zip(maps, gradients, usual, strict=True):
        weights = gradient.sum(dim=(2, 3), keepdim=True)
        part = (weights * (each.detach() - mean.view(1, -1, 1, 1))).sum(dim=1, keepdim=True)
        total += torch.nn.functional.interpolate(part, (FINEST, FINEST), mode="bilinear", align_corners=False)
    smooth = torch.nn.functional.avg_pool2d(total, SMOOTH, 1, SMOOTH // 2, count_include_pad=False)
    return np.asarray(smooth[:, 0].cpu().numpy())


def occlusion(model: TrainedModel, image: torch.Tensor, number: int, monitor: Monitor) -> Map:
    """[1, 56, 56]: how much the class's score falls where a patch of the image is blurred away (Zeiler 2014)."""
    side = image.shape[-1]
    blurred = blur(image)
    corners = [(y, x) for y in range(0, FINEST - STRIDE + 1, STRIDE) for x in range(0, FINEST - STRIDE + 1, STRIDE)]
    fallen, times = np.zeros((FINEST, FINEST)), np.zeros((FINEST, FINEST))
    batch = CPU_BATCH if image.device.type == "cpu" else BATCH
    with torch.no_grad():
        whole = float(model.scores(model.maps(image))[0, number])
        for start in range(0, len(corners), batch):
            some = corners[start : start + batch]
            hidden = image.repeat(len(some), 1, 1, 1)
            for row, (y, x) in enumerate(some):
                area = (slice(*_pixels(y, side)), slice(*_pixels(x, side)))
                hidden[row, 0][area] = blurred[0, 0][area]
            scores = model.scores(model.maps(hidden))[:, number].cpu().numpy()
            for (y, x), score in zip(some, scores, strict=True):
                fallen[y : y + PATCH, x : x + PATCH] += whole - float(score)
                times[y : y + PATCH, x : x + PATCH] += 1
            monitor.report(Progress("Hiding patches", min(start + batch, len(corners)), len(corners), "patches"))
            monitor.check()
    return (fallen / np.maximum(times, 1)).astype(np.float32)[None]


def blur(images: torch.Tensor) -> torch.Tensor:
    """What is left when detail is taken away: an eighth of the resolution, enlarged again."""
    side = images.shape[-1]
    small = torch.nn.functional.adaptive_avg_pool2d(images, max(side // 32, 4))
    return torch.nn.functional.interpolate(small, (side, side), mode="bilinear", align_corners=False)


def image_part(square: Map, rows: int, columns: int) -> Map:
    """The part of a map [56, 56] that lies on an image of that shape (fineray.training.preprocessing)."""
    scale = len(square) / max(rows, columns)
    height, width = max(1, round(rows * scale)), max(1, round(columns * scale))
    top, left = (len(square) - height) // 2, (len(square) - width) // 2
    return square[top : top + height, left : left + width]


def _pixels(cell: int, side: int) -> tuple[int, int]:
    return round(cell * side / FINEST), round(min(cell + PATCH, FINEST) * side / FINEST)


def _channel_means(model: TrainedModel, maps: list[torch.Tensor]) -> list[torch.Tensor]:
    """The mean of each channel over training images, where the pooling keeps it; else zeros."""
    if model.pooling == "max":
        return [torch.zeros(each.shape[1], device=each.device) for each in maps]
    kinds = len(model.pooling.split(" and "))
    widths = [kinds * each.shape[1] for each in maps]
    of_stage = torch.split(model.tuned.mean, widths)
    return [mean[: each.shape[1]] for mean, each in zip(of_stage, maps, strict=True)]
