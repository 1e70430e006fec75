"""What classification is whatever is classified: settings, head, report. Knows no modality, no task and no run."""
