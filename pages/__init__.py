"""One thin script a page: read widgets, build a config, submit, draw what the store says. Knows no TensorFlow."""
