"""`starling gate`: whether a node labels as well after an update as it did before, and as its peers do."""
