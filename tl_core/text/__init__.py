"""The language half: GPT-2 checkpoints, generation, fine-tuning, and the pretraining of the bundled model."""
