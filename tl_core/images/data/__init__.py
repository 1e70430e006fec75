"""Pictures on their way in and on disk: sources, ingest, datasets, split, samples. Knows no network."""
