"""Other people's words inside our Markdown."""


def plain(text: str) -> str:
    """`text` with no sign of Markdown taking effect: a class may be called `*new*` or `a_b`."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]#<>$:~|" else letter for letter in text)
