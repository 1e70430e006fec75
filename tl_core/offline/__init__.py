"""Preparing a class without a network: fetching weights and data, and the kit that carries them. Knows no run."""
