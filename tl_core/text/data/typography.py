"""Typographic quotes, dashes, dots and spaces, and the plain characters that mean the same.

A tokenizer that learned from plain text has no token for them: it spells each in two or three single bytes, which
teaches little and leaves torn characters in what the model writes. TensorFlow-free.
"""

PLAIN = {  # plain -> typographic
    "'": "\u2018\u2019\u201a\u201b\u2032",  # single quotes, apostrophe, prime
    '"': "\u201c\u201d\u201e\u201f\u2033",
    "-": "\u2010\u2011\u2012\u2013\u2212",  # hyphens, en dash, minus
    "--": "\u2014\u2015",  # em dash, as typewriters and Project Gutenberg write it
    "...": "\u2026",
    " ": "\u00a0\u2002\u2003\u2009\u202f",  # spaces of other widths, or that do not break
    "": "\u00ad",  # a place where a word might be broken
}
_TABLE = {ord(letter): plain for plain, letters in PLAIN.items() for letter in letters}


def straightened(text: str) -> str:
    """The text with plain characters instead of typographic ones; doing it twice changes nothing more."""
    return text.translate(_TABLE)


def typographic(text: str) -> int:
    """How many characters of a text `straightened` would change."""
    return sum(text.count(chr(letter)) for letter in _TABLE)
