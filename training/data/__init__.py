"""Readers of labelled tweets, one file for each format; training/datasets.py is their one entry."""
