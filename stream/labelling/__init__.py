"""The labelling pipeline, without a broker: batch queue, batcher, recent results, model swap."""
