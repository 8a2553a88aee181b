"""What a reader of a report must know of its numbers."""

_PARAGRAPHS = """
Numbers are means over the runs ± their standard deviation. A tweet's time is from its text to its label: cleaning,
tokens and inference, one tweet after the other. CPU is the share of all cores' time that was not idle.

The paper's 'Power (KW)' is the sum of some ten readings in watts each second, in thousands. 'W/sample' is that for a
tweet: a tenth of it is joules. Table IV and the indices keep this convention, so that rows can be compared with the
paper's; the table of power and energy has the physical quantities.

FLOPS are operations done over time. They are counted here in the model's graph, at the length that each tweet ran at,
two for each multiply-accumulate. The paper's come to 3.6e8 a tweet in all rows but one, whatever its length: the column
of that name is what its convention makes of our times.

SI = FLOPS/(Q·t), MPI = (accuracy + F)/P_tot, RER = E_tot/(CPU %·MEM %): equations (2), (3), (4). Accuracy and F are
shares, P_tot is the paper's 'Power' in kW, E_tot is that times t. What Q is, is not defined in what is known to us of
the paper; here it is the bits of a weight. All three grow or shrink with the number of tweets, so compare rows of the
same data only.
"""

_MADE_BY = """
Made by `starling report`, after the tables and figures of 'Quantized Transformer Language Model Implementations on Edge
Devices' (M. W. Ur Rahman et al., 2023, arXiv:2310.03971). A letter in brackets beside a number names what is to be said
of it below its table; in figures a star does.
"""


def _unwrapped(text: str) -> tuple[str, ...]:
    return tuple(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


HOW_TO_READ = _unwrapped(_PARAGRAPHS)
(MADE_BY,) = _unwrapped(_MADE_BY)
