"""How the next token is chosen, on the Generate page: the strategy, and only those controls that it heeds."""

from dataclasses import asdict, fields, replace

import streamlit as st

from pages.components.i18n import _
from tl_core.text.sampling import ARTICLE_PROMPT, Settings

KEY = "generate_"
SAVED = {"persist_state": "session"}
SHORTEST, LONGEST = 5, 500  # tokens
PACES = (5.0, 25.0, 0.0)  # tokens a second; 0: as fast as it can
_NAMES = [field.name for field in fields(Settings) if field.name not in ("lens", "attention")]


def begin() -> None:
    """Fill in what has not been chosen yet."""
    defaults = asdict(Settings())
    for name, value in {**{name: defaults[name] for name in _NAMES}, "prompt": ARTICLE_PROMPT, "pace": 25.0}.items():
        st.session_state.setdefault(KEY + name, value)


def put(settings: Settings, prompt: str) -> None:
    """Set every control; call it before they are drawn."""
    settings = replace(settings, length=max(SHORTEST, min(settings.length, LONGEST)))
    for name in _NAMES:
        st.session_state[KEY + name] = getattr(settings, name)
    st.session_state[KEY + "prompt"] = prompt


def get(**others: object) -> Settings:
    """What the controls say; what the chosen strategy does not heed stays at its default."""
    values = {name: st.session_state[KEY + name] for name in _NAMES}
    heeded = {"length", "strategy", "repetition_penalty", *_heeded(values["strategy"])}
    return Settings(**{name: values[name] for name in heeded}, **others)


def prompt() -> str:
    """The text to be continued."""
    return st.session_state[KEY + "prompt"]


def pace() -> float:
    """How many tokens a second the reader wants to see; 0 for as fast as it can."""
    return st.session_state[KEY + "pace"]


def controls() -> None:
    """Draw them."""
    names = {"greedy": _("Greedy"), "sample": _("Sampling"), "beam": _("Beam search")}
    meaning = {
        "greedy": _("Greedy always takes the likeliest token."),
        "sample": _("Sampling draws the next token by its probability."),
        "beam": _("Beam search keeps several texts at once and writes the likeliest as a whole."),
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        strategy = st.segmented_control(
            _("Strategy"),
            list(names),
            format_func=names.__getitem__,
            key=KEY + "strategy",
            required=True,
            label_visibility="collapsed",
            **SAVED,
        )
        st.caption(meaning[strategy], width="content")
    settings = st.expander(_("Length, temperature and more"), icon=":material/tune:", key=KEY + "settings")
    with settings, st.grid(4, min_column_width=165, gap="medium"):
        st.slider(
            _("Length (tokens)"),
            SHORTEST,
            LONGEST,
            key=KEY + "length",
            step=5,
            help=_("A token is a short word or a piece of one: 50 tokens are about 40 English words."),
            **SAVED,
        )
        if strategy == "sample":
            _sampling()
        if strategy == "beam":
            st.slider(
                _("Beams"),
                2,
                8,
                key=KEY + "beams",
                help=_("How many texts are kept at once. Each takes as long as a greedy text."),
                **SAVED,
            )
        st.slider(
            _("Repetition penalty"),
            1.0,
            2.0,
            key=KEY + "repetition_penalty",
            step=0.05,
            help=_("Above 1, tokens that have occurred already become less likely. 1 changes nothing."),
            **SAVED,
        )
        paces = {5.0: _("slow"), 25.0: _("readable"), 0.0: _("as fast as it can")}
        st.select_slider(
            _("Pace"),
            PACES,
            format_func=paces.__getitem__,
            key=KEY + "pace",
            help=_("Slow is 5 tokens a second, readable 25. The text is the same."),
            **SAVED,
        )


def _sampling() -> None:
    st.slider(
        _("Temperature"),
        0.1,
        2.0,
        key=KEY + "temperature",
        step=0.05,
        help=_("Below 1 the likely becomes likelier and the text tamer; above 1 the unlikely gets its chance."),
        **SAVED,
    )
    st.slider(
        _("Top-k"),
        0,
        200,
        key=KEY + "top_k",
        help=_("Only so many of the likeliest tokens may be drawn. 0 allows all."),
        **SAVED,
    )
    st.slider(
        _("Top-p"),
        0.05,
        1.0,
        key=KEY + "top_p",
        step=0.05,
        help=_("Only the likeliest tokens that together reach this probability may be drawn. 1 allows all."),
        **SAVED,
    )
    st.number_input(
        _("Seed"),
        0,
        2**32 - 1,
        key=KEY + "seed",
        help=_("The same seed writes the same text again; another seed writes another one."),
        **SAVED,
    )
    st.number_input(
        _("Samples"),
        1,
        8,
        key=KEY + "samples",
        help=_("So many texts are written one after the other, each with other draws."),
        **SAVED,
    )


def _heeded(strategy: str) -> tuple[str, ...]:
    return {
        "greedy": (),
        "sample": ("temperature", "top_k", "top_p", "seed", "samples"),
        "beam": ("beams",),
    }[strategy]
