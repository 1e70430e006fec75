"""What the pages show of the probes behind every block: set-up, growing curve, ways on. Knows no other lab."""
