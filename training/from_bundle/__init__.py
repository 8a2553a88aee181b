"""Conversion of a bundle back to a checkpoint, so that a shipped model can be trained further."""
