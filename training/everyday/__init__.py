"""Generator of everyday tweets with gold polarity: kinds of texts that benchmarks have few of.

`python -m training.everyday OUT.jsonl` writes them as training data for `starling train --data`.
"""
