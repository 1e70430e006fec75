"""What training is in every task: checkpoints, activations, precision. Knows no task and no run."""
