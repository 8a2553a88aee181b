"""One connection to an MQTT broker: packets, connection, publications in flight, options, orderly close."""
