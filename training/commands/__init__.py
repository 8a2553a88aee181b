"""What the commands that training/ adds to `starling` do, a file each."""
