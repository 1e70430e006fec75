"""The components' JavaScript: unit tests that node runs (*.test.mjs), and a small strict lint."""
