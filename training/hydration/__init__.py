"""Hydration: the texts of tweets by their ids from the X API, for data that has only ids."""
