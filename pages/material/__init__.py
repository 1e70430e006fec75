"""Pictures and texts on the page: the ways in, the shelf, what they are like, tidying. Knows no task."""
