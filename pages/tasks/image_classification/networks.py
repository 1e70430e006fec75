"""Which network answers on the Classify page: one of the finished runs, or an ImageNet backbone with its classifier."""

from dataclasses import dataclass, replace

import streamlit as st

from pages.experiments import learned_from
from pages.experiments.trained import trained
from pages.registry import link
from pages.tasks.image_classification import backbone_words
from pages.ui.i18n import _, class_name, ngettext
from pages.ui.markdown import plain, problem
from pages.ui.whose import marked, own
from tl_core.base.errors import UserError
from tl_core.base.metrics import percent
from tl_core.engine.client import Answer
from tl_core.images.pretrained import weights
from tl_core.images.pretrained.backbones import BACKBONES, Backbone
from tl_core.runs import store
from tl_core.runs.store import Run
from tl_core.tasks.image_classification import material, paths

SAVED = {"persist_state": "session"}
ALIKE = 20  # runs that are offered beside another one
ADDRESS = "run"  # the address's parameter that names the run


@dataclass(frozen=True)
class Network:
    """The chosen one: what the engine calls it, and the run it comes from, if any."""

    source: str
    classes: int
    run: Run | None = None

    def readable(self, answer: Answer) -> Answer:
        """ImageNet's classes in the reader's language; a run's classes are its owner's own words."""
        if not self.source.startswith("imagenet:"):
            return answer
        return replace(answer, labels=tuple((class_name(name), probability) for name, probability in answer.labels))


def choose() -> Network | None:
    """Let the reader choose; None while there is nothing that could answer."""
    _arrive()
    kind = st.segmented_control(
        _("Who answers?"),
        ["run", "imagenet"],
        format_func={"run": _("Trained here"), "imagenet": _("From ImageNet")}.__getitem__,
        key="classify_kind",
        required=True,
        help=_("Your runs know your own classes. ImageNet networks know 1,000 everyday things, animals and plants."),
        **SAVED,
    )
    return _choose_run() if kind == "run" else _choose_imagenet()


def alike(network: Network) -> dict[str, str]:
    """Other runs that know the same classes, by what the engine calls them: before and after fine-tuning, for one."""
    if network.run is None:
        return {}
    names = _classes(network.run)
    runs = [run for run in trained("image") if run.id != network.run.id and _classes(run) == names]
    return {f"run:{run.id}": _described(run) for run in runs[:ALIKE]}


def _arrive() -> None:
    """Take over the run that the address names, once."""
    asked = st.query_params.get(ADDRESS)
    if asked and asked != st.session_state.get("classify_asked"):
        st.session_state["classify_asked"] = asked
        st.session_state["classify_kind"] = "run"
        st.session_state["classify_run"] = asked
    if "classify_kind" not in st.session_state:
        st.session_state["classify_kind"] = "run" if own(trained("image")) else "imagenet"


def _choose_run() -> Network | None:
    runs = {run.id: run for run in trained("image")}
    wanted = st.session_state.get("classify_run")
    if wanted and wanted not in runs:
        _say_why_not(wanted)
        st.query_params.pop(ADDRESS, None)
    if not runs:
        st.info(
            _(
                "No network has been trained here yet. Train one (it takes one click), or let an ImageNet network "
                "answer meanwhile."
            ),
            icon=":material/model_training:",
        )
        link("train", label=_("Train"), icon=":material/model_training:")
        return None
    if wanted not in runs:
        st.session_state["classify_run"] = next((run.id for run in own(runs.values())), None)
    chosen = st.selectbox(
        _("Run"),
        list(runs),
        format_func=lambda run_id: _described(runs[run_id]),
        index=0 if st.session_state["classify_run"] else None,
        placeholder=_("Choose a run that somebody else has trained"),
        key="classify_run",
        label_visibility="collapsed",
        **SAVED,
    )
    if chosen is None:
        return None
    st.query_params[ADDRESS] = st.session_state["classify_asked"] = chosen
    run, names = runs[chosen], _classes(runs[chosen])
    row = BACKBONES.get(run.config.backbone.name)
    known = ngettext("It knows {n} class: {names}.", "It knows {n} classes: {names}.", len(names)).format(
        n=len(names), names=", ".join(plain(name) for name in names[:12]) + (", …" if len(names) > 12 else "")
    )
    title = row.title if row else plain(run.config.backbone.name)
    st.caption(f"{title} · {known}" if names else title)
    return Network(f"run:{run.id}", len(names), run)


def _say_why_not(run_id: str) -> None:
    try:
        run = store.get(run_id)
        text = _("{name} has no network yet: it has not finished, or ended before its first epoch was complete.")
        st.warning(text.format(name=plain(run.name)), icon=":material/hourglass_top:")
        link("run", label=_("Look at this run"), icon=":material/show_chart:", run=run_id)
    except UserError as error:
        st.warning(problem(error), icon=":material/error:")


def _choose_imagenet() -> Network | None:
    st.query_params.pop(ADDRESS, None)
    here = {name: _is_here(row) for name, row in BACKBONES.items() if row.top or row.package}
    names = sorted(here, key=lambda name: not here[name])  # those that need no download first
    if st.session_state.get("classify_backbone") not in here:
        st.session_state["classify_backbone"] = names[0]
    chosen = st.selectbox(
        _("Backbone"),
        names,
        format_func=lambda name: _offered(BACKBONES[name], here[name]),
        key="classify_backbone",
        label_visibility="collapsed",
        **SAVED,
    )
    row = BACKBONES[chosen]
    st.caption(backbone_words.described(row, "imagenet"))
    network = Network(f"imagenet:{row.name}", 1000)
    agreed = st.session_state.setdefault("classify_agreed", set())
    if here[chosen] or chosen in agreed:
        return network
    if row.package:
        st.warning(problem(weights.package_problem(row)), icon=":material/error:")
        return None
    size = f"{row.weights_file(row.native_size, top=True).size / 1e6:,.0f}"
    st.markdown(_("Its weights are not on this computer yet: {size} MB to download, once.").format(size=size))
    st.button(
        _("Download the weights"),
        key="classify_download",
        icon=":material/download:",
        on_click=lambda: agreed.add(chosen),
    )
    return None


def _offered(row: Backbone, here: bool) -> str:
    if here:
        return f"{row.title} · {_('on this computer')}"
    if row.package:
        return f"{row.title} · {_('its package is missing')}"
    size = f"{row.weights_file(row.native_size, top=True).size / 1e6:,.0f}"
    return f"{row.title} · {_('{size} MB to download').format(size=size)}"


def _is_here(row: Backbone) -> bool:
    """Whether the weights with the classifier are on this computer; the engine checks those of Keras' cache."""
    if row.package:
        return weights.package_problem(row) is None
    return (weights.cache_folder() / row.weights_file(row.native_size, top=True).name).is_file()


def _described(run: Run) -> str:
    """A run in the list: its name, its pictures, its accuracy, and whose it is."""
    accuracy = store.last_event(run).metrics.get("accuracy")
    parts = [run.name, learned_from.title(run)]
    if accuracy is not None:
        parts.append(percent(accuracy))
    return marked(parts, run)


def _classes(run: Run) -> tuple[str, ...]:
    try:
        return paths.labels(run.folder)
    except (OSError, ValueError):
        pass  # a stopped run's model has not been made yet
    try:
        return material.load(run.config).classes
    except UserError:
        return ()
