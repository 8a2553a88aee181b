"""Sources: one module for each service."""
