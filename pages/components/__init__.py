"""Widgets that show one thing, each with its JavaScript and CSS in its folder. Knows no page that shows it."""
