"""What training is in every task: loop, checkpoints, activations, optimizers, precision. Knows no task and no run."""
