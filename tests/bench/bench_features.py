"""Ways of running the frozen backbone on this machine, in turns: `python -m tests.bench.bench_features`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from fineray.backbones.catalogue import backbone
from fineray.backbones.runtime import Runtime, best_device, device_title
from fineray.backbones.surgery import pretrained

BATCH, ROUNDS = 16, 7


def main() -> None:
    """Print images a second, the median of alternating rounds."""
    chosen = backbone("efficientnet_lite0")
    images = np.random.default_rng(0).integers(0, 256, (BATCH, chosen.input_size, chosen.input_size), np.uint8)
    model, _ = pretrained(chosen)
    device = best_device()
    plain = model.to(device)
    runtime = Runtime(chosen, device)
    batch = torch.from_numpy(images).to(device).float().div(255)[:, None]
    last = batch.contiguous(memory_format=torch.channels_last)

    def eager(inputs: torch.Tensor) -> Callable[[], object]:
        def run() -> object:
            with torch.inference_mode():
                return plain(inputs).cpu()

        return run

    ways: dict[str, Callable[[], object]] = {
        "as loaded": eager(batch),
        "channels last": eager(last),
        "channels last, batch norms folded": lambda: runtime.features(images),
    }
    compiled = Runtime(chosen, device)
    compiled.expect(10_000)
    if compiled.engine != "torch":
        ways[f"{compiled.engine} (Fineray)"] = lambda: compiled.features(images)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    print(device_title(device))
    base = float(np.median(seconds["as loaded"]))
    for name, measured in seconds.items():
        median = float(np.median(measured))
        print(f"{name:46} {BATCH / median:8.0f} images/s, {base / median:5.2f} times")


if __name__ == "__main__":
    main()
