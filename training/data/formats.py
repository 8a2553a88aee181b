"""Names of the formats of labelled tweets; separate from their readers, which the command line need not import."""

from typing import Literal

Table = Literal["jsonl", "csv", "tsv"]
Format = Literal["semeval", "targets", "replab", "umsab", "jsonl", "csv", "tsv"]
