"""Text generation: a prompt in, its continuation out, token by token. Knows no other task and no run."""
