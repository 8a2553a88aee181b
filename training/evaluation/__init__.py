"""Evaluation of bundles on labelled tweets: scores, confidence intervals, calibration, tables, plots, model card."""
