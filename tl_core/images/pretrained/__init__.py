"""Pretrained backbones: their table, where weights come from, and how they are read. Knows no head and no task."""
