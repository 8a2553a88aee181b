"""The feeder against local servers that speak the protocols of the sources, and real brokers."""
