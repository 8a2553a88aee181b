"""Training of the shipped bundle `first`, a small network that answers first in a cascade."""
