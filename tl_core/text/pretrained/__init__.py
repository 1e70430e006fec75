"""Pretrained language models: their registry, the Hub and its format, and their networks. Knows no task."""
