"""Tweets and labels: decoding, encoding, cleaning, file formats, polarity."""
