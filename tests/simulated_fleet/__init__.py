"""A fleet of real services on one machine, whose classifiers are slowed down to the speed of a Raspberry Pi."""
