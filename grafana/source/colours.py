"""Colours with the same meaning on every dashboard, distinguishable with any kind of colour vision.

From Okabe and Ito, 'Color Universal Design' (2008). The node's own page uses the same colours for polarities.
"""

from collections.abc import Mapping
from typing import Final

POLARITY: Final[Mapping[str, str]] = {"negative": "#D55E00", "neutral": "#999999", "positive": "#0072B2"}

GOOD: Final = "#009E73"
CAUTION: Final = "#E69F00"
BAD: Final = "#CC79A7"
"""Differs from the vermilion of negative labels, because a negative tweet is not a fault."""
