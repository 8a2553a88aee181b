"""The device's own page: what this node does now, for a person with a browser and nothing else."""
