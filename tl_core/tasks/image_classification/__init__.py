"""Image classification: a picture in, probabilities of classes out. Knows no other task and no run."""
