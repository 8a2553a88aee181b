"""The HTTP server: metrics, health, access control, the node's page."""
