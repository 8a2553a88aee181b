"""Generator of tweets about two entities, with the polarity towards each of them.

Data sets have few such tweets. `python -m training.two_entities OUT.jsonl` writes them as training data for
`starling train --data`.
"""
