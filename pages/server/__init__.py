"""What the server does beside running pages: HTTP routes, and the start and end of the process. Knows no widget."""
