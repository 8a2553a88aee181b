"""The node's page: one file, and the numbers that it shows."""
