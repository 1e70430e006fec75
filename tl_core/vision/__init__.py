"""Image networks: backbones and their blocks, weights, freezing, features, training, evaluation."""
