"""Readers of labelled tweets, one file per format; training/datasets.py selects the reader."""
