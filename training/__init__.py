"""Makes Starling's models: checkpoints in, bundles that a Raspberry Pi can trust out."""
