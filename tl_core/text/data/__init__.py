"""Texts on their way in and on disk: corpora, their split, samples and the grammar that writes some. Knows no task."""
