"""Numbers as readers read them."""

from pages.ui.i18n import _
from tl_core.base.messages import N_

PER_SECOND = {
    "images": N_("Images per second"),
    "tokens": N_("Tokens per second"),
    "texts": N_("Texts per second"),
}


def per_second(unit: str) -> str:
    """What a speed in this unit is called: "images" -> "Images per second"."""
    return _(PER_SECOND[unit])


def duration(seconds: float) -> str:
    """75 -> "1 min 15 s"."""
    seconds = round(seconds)
    if seconds < 60:
        return _("{s} s").format(s=seconds)
    if seconds < 3600:
        return _("{m} min {s} s").format(m=seconds // 60, s=seconds % 60)
    return _("{h} h {m} min").format(h=seconds // 3600, m=seconds % 3600 // 60)
