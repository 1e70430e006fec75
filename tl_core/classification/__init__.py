"""What classification is whatever is classified: split, head, report. Knows no modality, no task and no run."""
