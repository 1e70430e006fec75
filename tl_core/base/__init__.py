"""What everything stands on: errors, messages, events, checked records, locks, processes, downloads."""
