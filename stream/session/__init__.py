"""The node's session with the broker: subscribe, deliver, acknowledge, share the load with the group."""
