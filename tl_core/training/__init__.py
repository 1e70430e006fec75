"""What training is in every task: the loop, checkpoints, activations, optimizers, precision. Knows no task and no run."""
