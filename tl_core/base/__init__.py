"""What everything stands on: errors, messages, events, checked records, locks, downloads. Knows no data and no task."""
