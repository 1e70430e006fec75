"""The pages of image classification: settings, choices, consequences, report, answers."""
