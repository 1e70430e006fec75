"""What transfer does, as experiments: figures and verdicts from features, curves and labels. Knows no pages."""
