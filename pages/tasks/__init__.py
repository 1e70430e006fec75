"""What the pages show for one task alone: a folder each with the same rooms. A task knows no other task."""
