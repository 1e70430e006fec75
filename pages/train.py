"""Set up an experiment: pictures, a recipe, a backbone, the freeze boundary, and how it is trained."""

from urllib.parse import urlencode

import streamlit as st

from pages.experiments import submit
from pages.registry import go
from pages.tasks.image_classification import choices, consequences, hyperparameters, settings
from pages.ui.format import duration
from pages.ui.i18n import KEY as LANGUAGE
from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from pages.ui.session import choose_dataset
from tl_core.base.errors import UserError
from tl_core.runs import store
from tl_core.runs.executors import spare
from tl_core.tasks.image_classification.code import keras_code
from tl_core.tasks.image_classification.estimate import estimate
from tl_core.tasks.image_classification.parameters import parameter_counts

if run_id := submit.started():
    go("run", run=run_id)


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
                go("finetune", **{"from": run.id})
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
    submit.complain()


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
submit.start_bar("train_start", config, choices.summary(row, config), lambda: time_sentence(config, seen), obstacles)
spare.want()
