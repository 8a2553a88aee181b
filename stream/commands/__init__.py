"""The commands of `starling`: one module or package for each, imported when its command is used."""
