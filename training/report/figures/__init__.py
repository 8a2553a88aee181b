"""The report's figures, drawn with matplotlib: one module per kind of picture; style.py has what they share."""
