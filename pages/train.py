"""Set up an experiment: pictures, a recipe, a backbone, the freeze boundary, and how it is trained."""

import streamlit as st

from pages.experiments import setup, submit
from pages.registry import go
from pages.tasks.image_classification import choices, consequences, hyperparameters, settings
from pages.ui.i18n import _
from pages.ui.session import choose_dataset
from tl_core.runs.executors import spare
from tl_core.tasks.image_classification.code import keras_code
from tl_core.tasks.image_classification.parameters import parameter_counts

if run_id := submit.started():
    go("run", run=run_id)


setup.arrive(settings)
settings.begin()
st.title(_("Train"), anchor=False)
setup.complain()
seen = choices.choose_pictures()
classes = len(seen.classes)
recipe_note = choices.choose_recipe(classes)
with st.container(border=True):
    row = choices.choose_model()
    weights_note = st.container()
    choices.choose_boundary(row, classes)
with st.container(border=True):
    hyperparameters.choose_training()
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
names = seen.classes or ("one", "two")
setup.same_in_keras(keras_code(config, seen.training or (1,) * len(names), names))
setup.share(settings, config)
obstacles = consequences.obstacles(config, seen, source)
submit.start_bar(
    "train_start",
    config,
    choices.summary(row, config),
    lambda: consequences.told(config, seen),
    obstacles,
)
spare.want()
if not obstacles:
    consequences.calibrate(config, source)
