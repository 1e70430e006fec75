"""What every page needs: language, escaping, session, tables, steps. Knows no run and no task."""
