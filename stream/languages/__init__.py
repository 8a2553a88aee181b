"""The languages of tweets: identification, publishers' tags, and the policy for languages that no model labels."""
