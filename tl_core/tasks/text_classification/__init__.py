"""Text classification: a text in, probabilities of classes out. Knows no other task and no run."""
