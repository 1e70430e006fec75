"""What the pages show of the labs: a folder each with the same rooms. A lab knows no other lab."""
