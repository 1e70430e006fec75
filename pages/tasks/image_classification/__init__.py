"""What the pages show of image classification alone, from setting up to answers. Knows no other task."""
