"""What the pages show of the search for wrong labels: set-up, growing curve, suspects, ways on. Knows no other lab."""
