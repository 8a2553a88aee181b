"""The shapes of messages: one module for each service or standard, which finds a tweet's fields in parsed JSON."""
