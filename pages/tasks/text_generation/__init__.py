"""What the pages show of text generation alone, from setting up to the text and its inside. Knows no other task."""
