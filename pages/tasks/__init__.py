"""What the pages show for one task: a folder each with the same rooms."""
