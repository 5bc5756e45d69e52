"""A small made-up film: dark lungs, a bright spine, a letter; smooth as films are, over the whole of its range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def film(bits: int = 12, side: int = 40) -> NDArray[np.uint16]:
    """[side, side - 4], from 0 to 2**bits - 1; no turn or mirror image of it is like itself."""
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : (side - 4) * 1j]
    lungs = np.exp(-(((x - 0.28) / 0.15) ** 2) - ((y - 0.5) / 0.3) ** 2)
    lungs += np.exp(-(((x - 0.75) / 0.17) ** 2) - ((y - 0.52) / 0.25) ** 2)
    shade = 0.55 + 0.35 * np.exp(-(((x - 0.5) / 0.1) ** 2)) - 0.5 * lungs + 0.1 * y
    shade[side // 10 : side // 5, -side // 6] = 1
    shade[side // 5, -side // 6 : -side // 10] = 1
    shade = (shade - shade.min()) / (shade.max() - shade.min())
    return np.round(shade * ((1 << bits) - 1)).astype(np.uint16)
