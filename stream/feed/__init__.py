"""Feed: posts from public streams, published to the broker (`starling feed`).

A source is an adapter to one service. It yields events; the feeder filters them, publishes them at QoS 1, and stores
the position in the source only after the broker has confirmed everything before it.
"""
