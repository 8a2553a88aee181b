"""Child processes that are controlled by lines of JSON: child.py is the parent's side, answering.py the child's."""
