"""A node as a device in Home Assistant: MQTT discovery and the node's numbers."""
