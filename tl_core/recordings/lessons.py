"""The recorded texts and groups of runs that come with the app: what each is called and what to notice.

Recorded runs have their lessons with their task or lab, in its room `recording`.
"""

from dataclasses import dataclass
from functools import partial

from tl_core.base.messages import Message, message
from tl_core.tasks.lesson import Lesson


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


def _of(lab: str, recorded: str, classes: tuple[str, ...]) -> bool:
    return recorded == lab


GROUPS: dict[str, Lesson] = {  # by the lab that a group is of
    "race": Lesson(
        message("Race: one small network, four ways"),
        message("Drawn flowers"),
        message(
            "See where the frozen network already stands when the one from scratch begins, and how wide the bands of "
            "the seeds lie."
        ),
        partial(_of, "race"),
    ),
    "budget": Lesson(
        message("Worth in examples: frozen against from scratch"),
        message("Drawn flowers"),
        message(
            "Follow the curve from scratch to the right until it is as high as the frozen one at its beginning: how "
            "many examples more has it seen there?"
        ),
        partial(_of, "budget"),
    ),
    "shift": Lesson(
        message("Head first? Three ways on changed pictures"),
        message("Drawn flowers"),
        message(
            "See how far each way falls from the pictures as they are to those without colour and to blurred ones."
        ),
        partial(_of, "shift"),
    ),
}
