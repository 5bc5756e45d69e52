"""Tables as pandas data frames, for those who have pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fineray.errors import FinerayError

if TYPE_CHECKING:
    import pandas as pd


class PandasMissing(FinerayError):
    """A data frame was asked for where pandas is not installed."""


def to_frame(columns: Mapping[str, Sequence[object] | NDArray[Any]]) -> pd.DataFrame:
    """The columns, all of one length, as a data frame in that order; None is a missing value. Raises PandasMissing."""
    try:
        import pandas as pd
    except ImportError as error:
        raise PandasMissing(
            "Data frames are pandas' and pandas is not installed here",
            todo="Install it: pip install 'fineray[notebook]'. Everything else works without it.",
        ) from error
    return pd.DataFrame(dict(columns))
