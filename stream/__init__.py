"""Starling's edge service: labels a live stream of tweets with their polarity on the device that receives them."""

__version__ = "0.2.0"
