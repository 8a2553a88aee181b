"""The formats that labelled tweets come in; apart from their readers, for the command line needs no more."""

from typing import Literal

Table = Literal["jsonl", "csv", "tsv"]
Format = Literal["semeval", "replab", "jsonl", "csv", "tsv"]
