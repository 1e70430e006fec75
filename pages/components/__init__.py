"""What several pages share: widgets, language, and who is looking."""
