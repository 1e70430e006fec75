"""What runs of all tasks have in common on the pages: setting up, progress, list, comparison. Knows no single task."""
