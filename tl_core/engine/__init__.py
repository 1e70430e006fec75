"""The process that holds loaded models and answers the pages' questions. Knows no page."""
