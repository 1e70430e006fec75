"""Set up an experiment: pictures, a recipe, a backbone, the freeze boundary, and how it is trained."""

from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from pages.components import choices, consequences, hyperparameters, settings, submission
from pages.components.i18n import KEY as LANGUAGE
from pages.components.i18n import _
from pages.components.live import duration
from pages.components.markdown import problem, sentence
from pages.components.session import choose_dataset
from tl_core.errors import UserError
from tl_core.estimate import estimate
from tl_core.runs import spare, store
from tl_core.vision.backbones import parameter_counts
from tl_core.vision.code import keras_code

PAGES = Path(__file__).parent

if run_id := submission.started():
    st.switch_page(PAGES / "run.py", query_params={"run": run_id})


def arrive():
    """Take over what the address asks for, once: `?from=<run>`, or single settings (`?backbone=vgg16&frozen=4`)."""
    asked = {name: value for name, value in st.query_params.to_dict().items() if name != LANGUAGE}
    if asked == st.session_state.get("train_asked", {}):
        return
    st.session_state["train_asked"] = asked
    try:
        if "from" in asked:
            run = store.get(asked["from"])
            if run.problem:
                raise run.problem
            if run.config.kind == "text":
                st.switch_page(PAGES / "finetune.py", query_params={"from": run.id})
            settings.put(run.config)
        elif asked.keys() & settings.values(settings.DEFAULT).keys():
            settings.put(settings.from_link(asked))
        else:
            return
        choose_dataset(settings.get("dataset"))
        st.session_state[settings.PREFIX + "preset"] = None
    except UserError as error:
        st.session_state["train_error"] = error


def complain():
    """What went wrong on the way here or at the last click."""
    if error := st.session_state.pop("train_error", None):
        st.error(problem(error), icon=":material/error:")
    submission.complain()


def take_along(config, seen):
    """The same as a Keras script, and as a link."""
    with st.expander(_("The same in Keras"), icon=":material/code:"):
        st.caption(
            _("What these settings mean, as a script that trains the same network without the activation cache.")
            + " "
            + _("A run hands it out with all that it needs: “Take it home” on its page.")
        )
        classes = seen.classes or ("one", "two")
        st.code(keras_code(config, seen.training or (1,) * len(classes), classes), language="python")
    with st.expander(_("Share these settings"), icon=":material/link:"):
        st.caption(_("Whoever opens this link finds this page filled in as you see it now."))
        address = str(st.context.url or "").split("?")[0]
        st.code(f"{address}?{urlencode(settings.link(config))}", language=None, wrap_lines=True)


def time_sentence(config, seen):
    """About how long the training takes, and whence we know."""
    guess = estimate(config, sum(seen.training), sum(seen.validation), consequences.measured())
    return _("About {time}: {source}.").format(time=duration(guess.seconds), source=sentence(guess.source))


arrive()
settings.begin()
st.title(_("Train"), anchor=False)
complain()
seen = choices.choose_pictures()
classes = len(seen.classes)
recipe_note = choices.choose_recipe(classes)
with st.container(border=True):
    row = choices.choose_backbone()
    weights_note = st.container()
    choices.choose_boundary(row, classes)
with st.container(border=True):
    hyperparameters.choose_phases()
warnings = st.container()
with st.expander(_("Advanced"), icon=":material/tune:"):
    hyperparameters.choose_the_rest(classes)

config = settings.config()
choose_dataset(config.data.dataset)
choices.describe_recipe(recipe_note, config)
source = None
if config.backbone.weights != "random":
    source = consequences.weights_source(row.name, config.backbone.weights, config.backbone.image_size)
icon, told = consequences.weights_sentence(row, config, source)
with weights_note:
    st.markdown(f"{icon} {told}")
    choices.offer_small(config, source)
counts = parameter_counts(config, max(classes, 2), len(config.phases) - 1)
for caution in consequences.cautions(row, config, counts, seen):
    warnings.warning(caution, icon=":material/lightbulb:")
take_along(config, seen)
obstacles = consequences.obstacles(config, seen, source)
submission.start_bar(
    "train_start", config, choices.summary(row, config), lambda: time_sentence(config, seen), obstacles
)
spare.want()
