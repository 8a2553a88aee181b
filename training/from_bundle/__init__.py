"""Makes a checkpoint of a bundle again, so that a shipped model can be trained further."""
