"""Fetches the texts of tweets by their ids, for data that ships ids alone."""
