"""Widgets that show one thing and know no page: freeze boundary, curves, thumbnails, class table."""
