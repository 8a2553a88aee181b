"""What `starling` can do: one file a command. Each is imported only when its command is used."""
