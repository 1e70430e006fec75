"""Widgets that show one thing: freeze boundary, curves, thumbnails, class table. Knows no page that shows it."""
