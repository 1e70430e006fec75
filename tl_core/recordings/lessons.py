"""The recorded texts that come with the app: what each is called, what to notice, and which model wrote it.

Recorded runs have their lessons with their task, in its room `recording`.
"""

from dataclasses import dataclass

from tl_core.base.messages import Message, message


@dataclass(frozen=True)
class Written:
    """What a well-known recorded text is for, and who has to have written it."""

    title: Message
    notice: Message
    model: str = ""  # of tl_core.text.pretrained.registry.CHECKPOINTS


TEXTS: dict[str, Written] = {
    "article_text": Written(
        message("The article's third demo: GPT-2 goes on from “Once upon a time”"),
        message(
            "The likeliest token is taken every time. Watch how soon the text goes round in circles, and how sure of "
            "itself the model becomes as it does."
        ),
        "gpt2",
    ),
    "tale": Written(
        message("The article's third demo, with the bundled model: “Once upon a time”"),
        message(
            "The likeliest token is taken every time, so this prompt always gives this text. See which words come "
            "back, and how sure of itself the model is when they do."
        ),
        "tales",
    ),
}
