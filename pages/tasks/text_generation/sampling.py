"""How the next token is chosen, on the Generate page: the strategy, and only those controls that it heeds."""

from dataclasses import asdict, replace

import streamlit as st

from pages.ui.i18n import _
from tl_core.tasks.text_generation.sampling import ARTICLE_PROMPT, Settings

KEY = "generate_"
SAVED = {"persist_state": "session"}
SHORTEST, LONGEST = 5, 500  # tokens
BY_HAND, READABLE = -1.0, 25.0
PACES = (BY_HAND, 5.0, READABLE, 0.0)  # tokens a second; 0: as fast as it can
SEEDS = 2**32
SECOND = "One day"  # a prompt beside the article's, until the reader writes another
_NAMES = ("length", "strategy", "temperature", "top_k", "top_p", "repetition_penalty", "beams", "samples", "seed")


def begin() -> None:
    """Fill in what has not been chosen yet."""
    defaults = asdict(Settings())
    own = {"prompt": ARTICLE_PROMPT, "second": SECOND, "two": False, "pace": READABLE, "keep_seed": False}
    for name, value in {**{name: defaults[name] for name in _NAMES}, **own}.items():
        st.session_state.setdefault(KEY + name, value)


def put(settings: Settings, prompt: str, second: str | None = None) -> None:
    """Set every control, the prompt and the one beside it, if there is one; call it before they are drawn."""
    settings = replace(settings, length=max(SHORTEST, min(settings.length, LONGEST)))
    for name in _NAMES:
        st.session_state[KEY + name] = getattr(settings, name)
    st.session_state[KEY + "prompt"] = prompt
    st.session_state[KEY + "two"] = second is not None
    if second is not None:
        st.session_state[KEY + "second"] = second


def get(**others: object) -> Settings:
    """What the controls say; what the chosen strategy does not heed stays at its default."""
    values = {name: st.session_state[KEY + name] for name in _NAMES}
    heeded = {"length", "strategy", "repetition_penalty", *_heeded(values["strategy"])}
    return Settings(**{name: values[name] for name in heeded}, **others)


def prompts() -> list[str]:
    """The texts to be continued: one, or two side by side."""
    names = ("prompt", "second") if st.session_state[KEY + "two"] else ("prompt",)
    return [st.session_state[KEY + name] for name in names]


def ask_for_prompts() -> None:
    """Draw the prompt, and the second one if there is one."""
    names = {"prompt": _("Prompt"), "second": _("Second prompt")}
    shown = len(prompts())
    for place, name in zip(st.columns(shown), list(names)[:shown], strict=True):
        place.text_area(
            names[name], key=KEY + name, height=98, placeholder=_("The beginning of a text"), persist_state="session"
        )
    st.toggle(
        _("Two prompts side by side"),
        key=KEY + "two",
        help=_("The same model continues both with the same settings and the same draws."),
        **SAVED,
    )


def pace() -> float:
    """How many tokens a second the reader wants to see: 0 for as fast as it can, `BY_HAND` for one at each click."""
    return st.session_state[KEY + "pace"]


def move_on(wrote: Settings | None) -> None:
    """Take the next seed where the last text was drawn with this one, unless the reader keeps it. Callback."""
    seed = st.session_state[KEY + "seed"]
    if wrote and wrote.strategy == "sample" and wrote.seed == seed and not st.session_state[KEY + "keep_seed"]:
        put_seed(after(seed))


def after(seed: int) -> int:
    """The next seed."""
    return (seed + 1) % SEEDS


def put_seed(seed: int) -> None:
    """Set the seed; call it before it is drawn."""
    st.session_state[KEY + "seed"] = seed


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
        paces = {
            BY_HAND: _("by hand"),
            5.0: _("slow"),
            READABLE: _("readable"),
            0.0: _("as fast as it can"),
        }
        st.select_slider(
            _("Pace"),
            PACES,
            format_func=paces.__getitem__,
            key=KEY + "pace",
            help=_("By hand writes one token at each click, slow 5 a second, readable 25. The text is the same."),
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
    with st.container(gap="xsmall"):
        st.number_input(
            _("Seed"),
            0,
            SEEDS - 1,
            key=KEY + "seed",
            help=_("The same seed writes the same text again. It moves on with every text, unless you keep it."),
            **SAVED,
        )
        st.toggle(_("Keep the seed"), key=KEY + "keep_seed", **SAVED)
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
