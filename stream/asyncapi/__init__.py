"""The description of all topics and messages in AsyncAPI 3, made from the types that the messages are built with."""
