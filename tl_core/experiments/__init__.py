"""Runs that belong together: a race, what pretraining is worth in examples, and what they found. Knows no page."""
