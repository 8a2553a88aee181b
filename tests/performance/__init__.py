"""Writes results of `starling bench … --json` into docs/performance.md, tables and plots: `make performance-docs`."""
