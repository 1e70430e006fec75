"""What all pages have on which a run is set up: settings that the address asks for, the same as script and link."""

from types import ModuleType
from urllib.parse import urlencode

import streamlit as st

from pages.experiments import submit
from pages.registry import go
from pages.tasks.registry import room
from pages.ui.i18n import KEY as LANGUAGE
from pages.ui.i18n import _, together
from pages.ui.markdown import problem
from pages.ui.session import may
from tl_core.base.errors import UserError
from tl_core.runs import store
from tl_core.tasks import registry
from tl_core.tasks.registry import Config


def arrive(settings: ModuleType) -> None:
    """Take over what the address asks for, once: `?from=<run>`, or single settings (`?frozen=4`).

    Args:
        settings: the page's task's.
    """
    key, kept = f"{settings.PREFIX}asked", (LANGUAGE, *settings.OWN)
    asked = {name: value for name, value in st.query_params.to_dict().items() if name not in kept}
    if asked == st.session_state.get(key, {}):
        return
    st.session_state[key] = asked
    try:
        if "from" in asked:
            run = store.get(asked["from"])
            if run.problem:
                raise run.problem
            if registry.is_lab(run.config):
                go(registry.of(run.config).name, run=run.id)
            theirs = room(run.config, "settings")
            if theirs is not settings:
                go(theirs.PAGE, **{"from": run.id})
            settings.adopt(run.config, may("read", run))
        elif asked.keys() & settings.values(settings.DEFAULT).keys():
            settings.adopt(settings.from_link(st.query_params.to_dict()))
    except UserError as error:
        st.session_state["setup_error"] = error


def complain() -> None:
    """What went wrong on the way here or at the last click."""
    if error := st.session_state.pop("setup_error", None):
        st.error(problem(error), icon=":material/error:")
    submit.complain()


def same_in_keras(script: str) -> None:
    """The settings as a script."""
    with st.expander(_("The same in Keras"), icon=":material/code:"):
        st.caption(
            together(
                _("What these settings mean, as a script that trains the same network without the activation cache."),
                _("A run hands it out with all that it needs: “Take it home” on its page."),
            )
        )
        st.code(script, language="python")


def share(settings: ModuleType, config: Config) -> None:
    """The settings as a link."""
    with st.expander(_("Share these settings"), icon=":material/link:"):
        st.caption(_("Whoever opens this link finds this page filled in as you see it now."))
        address = str(st.context.url or "").split("?")[0]
        st.code(f"{address}?{urlencode(settings.link(config))}", language=None, wrap_lines=True)
