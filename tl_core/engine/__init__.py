"""The interactive model process: one place that holds loaded models and answers the pages' questions."""
