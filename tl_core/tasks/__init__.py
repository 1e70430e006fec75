"""The tasks, a folder each with the same rooms, and their registry. A task knows no other task and no run."""
