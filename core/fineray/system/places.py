"""How a caller may name a file or folder."""

from __future__ import annotations

import os

Place = str | os.PathLike[str]
