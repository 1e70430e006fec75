"""Runs of any task on the page: progress, list, comparison, take-home. What differs is asked of the task."""
