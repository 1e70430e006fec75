"""The pages of text generation: settings, choices, consequences, the text as it is written, its inside."""
