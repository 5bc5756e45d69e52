"""The self-test passes with every decoder here, covers every syntax, and fails when a decoder is missing."""

from __future__ import annotations

import pytest
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, JPEGLSLossless, JPEGLSNearLossless

from fineray.dicom import pixels
from fineray.dicom.selftest import codec_self_test


def test_every_decoder_is_here() -> None:
    results = codec_self_test()
    assert [result for result in results if result.problem] == []
    tested = {result.transfer_syntax for result in results}
    assert {UID(syntax).name for syntax in pixels.FASTEST_PLUGIN} - tested <= {
        "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)"
    }


def test_a_lost_decoder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for syntax in (JPEGLSLossless, JPEGLSNearLossless):
        decoder = get_decoder(syntax)
        monkeypatch.setattr(decoder, "_available", {})
    problems = {result.transfer_syntax: result.problem for result in codec_self_test() if result.problem}
    assert set(problems) == {JPEGLSLossless.name, JPEGLSNearLossless.name}
    assert all("cannot be decoded" in problem for problem in problems.values())
