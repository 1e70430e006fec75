"""What the pages show of the sources: set-up, gains, rankings beside what was measured. Knows no other lab."""
