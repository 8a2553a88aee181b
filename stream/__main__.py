"""Lets `python -m stream` do what `starling` does."""

from stream.cli import main

main()
