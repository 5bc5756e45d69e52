"""The first start says what computes, and why it is not something better."""

from __future__ import annotations

import pytest
import torch

from fineray.backbones import device_found


@pytest.mark.parametrize(
    ("driver", "cuda", "words"),
    [
        (False, None, "No GPU that Fineray can use was found"),
        (False, "13.0", "No GPU that Fineray can use was found"),
        (True, None, "this is the CPU variant"),
        (True, "13.0", "driver is too old for this variant (it needs CUDA 13.0)"),
    ],
)
def test_why_the_cpu_computes(monkeypatch: pytest.MonkeyPatch, driver: bool, cuda: str | None, words: str) -> None:
    monkeypatch.setattr(device_found, "best_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(device_found, "_nvidia_driver", lambda: driver)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    title, explanation = device_found.explain_device()
    assert title.startswith("CPU") and words in explanation


@pytest.mark.parametrize(("kind", "words"), [("cuda", "run on it"), ("mps", "this Mac's own GPU")])
def test_a_gpu_is_named(monkeypatch: pytest.MonkeyPatch, kind: str, words: str) -> None:
    monkeypatch.setattr(device_found, "best_device", lambda: torch.device(kind))
    monkeypatch.setattr(device_found, "device_title", lambda device: f"GPU ({device.type})")
    title, explanation = device_found.explain_device()
    assert title == f"GPU ({kind})" and words in explanation
