"""Colours that mean the same on every dashboard, and that people with any kind of colour vision can tell apart.

From Okabe and Ito, 'Color Universal Design' (2008). The node's own page shows polarities in the same ones.
"""

from collections.abc import Mapping
from typing import Final

POLARITY: Final[Mapping[str, str]] = {"negative": "#D55E00", "neutral": "#999999", "positive": "#0072B2"}

GOOD: Final = "#009E73"
CAUTION: Final = "#E69F00"
BAD: Final = "#CC79A7"
"""Not the vermilion of negative labels: an angry tweet is no fault."""
