"""How the self-test of a decoder ended; apart from the test, so that the window can read it without the decoders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CodecResult:
    """One transfer syntax. library: the decoder in use; problem: empty where the built-in picture came out right."""

    transfer_syntax: str
    library: str
    problem: str
