"""Explanations that a reader of a report needs."""

_PARAGRAPHS = """
Numbers are means over the runs ± their standard deviation, unless a table says otherwise. The time of a tweet is from
its text to its label: cleaning, tokenising and inference, one tweet after the other. CPU is the share of all cores'
time that was not idle. Scores are ratios from 0 to 1.

Power and energy are ± the combined standard uncertainty. The spread over the runs averages out over more runs; the
meter's offset and gain are the same in every run and do not. In the power above idle the offset cancels, because it is
the same while labelling and at rest.

The paper's 'Power (KW)' is a sum of power readings, in thousands of watts, and 'W/sample' is that per tweet. The paper
does not print how many readings it took per second. Our joules are converted at 10 per second; at 20 per second
'Power', 'W/sample' and RER would be twice as large and MPI half. The table of the paper's 'Power' shows both.

FLOPS are operations per second. Here they are counted in the model's graph, at the length at which each tweet ran, two
per multiply-accumulate. The paper's FLOPS come to 3.6e8 operations per tweet in all rows but one; the column of that
name applies this to our times.

SI = FLOPS/(Q·t), MPI = (accuracy + F)/P_tot, RER = E_tot/(CPU %·MEM %): the paper's equations (2), (3), (4). SI is the
speed index, Q the number of quantisation bits, t the total time in seconds, P_tot the 'Power' in kW. The paper gives
no unit for E_tot; here it is 'Power' times t. All three depend on the number of tweets, so only rows of the same data
can be compared.
"""

_MADE_BY = """
Made by `starling report`, after the tables and figures of 'Quantized Transformer Language Model Implementations on Edge
Devices' (M. W. Ur Rahman et al., 2023, arXiv:2310.03971). A letter in brackets beside a number refers to a note below
its table; in figures it is a star.
"""


def _unwrapped(text: str) -> tuple[str, ...]:
    return tuple(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


HOW_TO_READ = _unwrapped(_PARAGRAPHS)
(MADE_BY,) = _unwrapped(_MADE_BY)
