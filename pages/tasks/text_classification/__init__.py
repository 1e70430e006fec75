"""What the pages show of text classification alone, from setting up to answers. Knows no other task."""
