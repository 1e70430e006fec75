"""What the pages show of the probes on texts: set-up, and the figures of `pages.labs.cut`. Knows no network."""
