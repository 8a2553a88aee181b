"""Other implementations that `starling bench compare` measures: `make peers`, then `make compare`.

Each runs in a process of its own with libraries of its own, from `.venv-peers` or `.venv-paper`, and shares with us
only the cleaning, the tweets and, where peers.toml says so, the weights. stream/bench/child.py says how they are asked.
"""
