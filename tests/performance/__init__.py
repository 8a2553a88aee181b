"""Puts what `starling bench … --json` wrote into docs/performance.md, as tables and plots: `make performance-docs`."""
