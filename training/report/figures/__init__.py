"""The report's figures, drawn with matplotlib: a file for each kind of picture, style.py for what they share."""
