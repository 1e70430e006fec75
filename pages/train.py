"""Set up an experiment: pictures, a recipe, a backbone, the freeze boundary, and how it is trained."""

from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from pages.components import consequences, settings
from pages.components.blocks import DrawnBlock, freeze_slider, short_number
from pages.components.i18n import _, ngettext, show
from pages.components.live import duration
from pages.components.session import current_dataset, is_local, owner
from tl_core import presets
from tl_core.config import AUGMENTATIONS, OPTIMIZERS, PRECISIONS
from tl_core.data import dataset as datasets
from tl_core.errors import UserError
from tl_core.estimate import estimate
from tl_core.runs import queue, store
from tl_core.vision.backbones import BACKBONES, backbone, boundary, parameter_counts
from tl_core.vision.code import keras_code

PAGES = Path(__file__).parent
KEY = settings.PREFIX
RATES = [float(f"{digit}e-{power}") for power in range(6, 0, -1) for digit in (1, 2, 5)]
SAVED = {"persist_state": "session"}  # settings survive a visit to another page
WAITING = 4  # runs one person may have queued or running

if "train_started" in st.session_state:
    st.switch_page(PAGES / "run.py", query_params={"run": st.session_state.pop("train_started")})


def arrive():
    """Take over what the address asks for, once: `?from=<run>`, or single settings (`?backbone=vgg16&frozen=4`)."""
    asked = st.query_params.to_dict()
    if asked == st.session_state.get("train_asked", {}):
        return
    st.session_state["train_asked"] = asked
    try:
        if "from" in asked:
            run = store.get(asked["from"])
            if run.problem:
                raise run.problem
            settings.put(run.config)
        elif asked.keys() & settings.values(settings.DEFAULT).keys():
            settings.put(settings.from_link(asked))
    except UserError as error:
        st.session_state["train_error"] = error


def choose_pictures():
    """The dataset, and how it is split."""
    known = {summary.id: summary for summary in datasets.available()}
    try:
        st.session_state[KEY + "dataset"] = datasets.latest(settings.get("dataset"))  # with later edits
    except UserError:
        current = current_dataset()
        st.session_state[KEY + "dataset"] = current if current in known else next(iter(known), "")
    if not known:
        st.info(_("Training needs pictures. Drop a folder of them first; each sub-folder becomes a class."))
        st.page_link(PAGES / "data.py", label=_("Add pictures"), icon=":material/add_photo_alternate:")
        return consequences.Pictures()
    chooser, sentence = st.columns([2, 3], vertical_alignment="bottom")
    chooser.selectbox(
        _("Pictures"), list(known), format_func=lambda name: known[name].name, key=f"{KEY}dataset", **SAVED
    )
    seen = consequences.pictures(
        settings.get("dataset"),
        settings.get("validation") / 100,
        settings.get("test") / 100,
        settings.get("split_seed"),
    )
    if seen.training:
        sentence.caption(consequences.parts_sentence(seen))
    return seen


def choose_recipe(classes):
    """One click fills in all settings below."""

    def apply():
        if name := st.session_state[KEY + "preset"]:
            dataset = settings.get("dataset")
            settings.put(presets.PRESETS[name].config(dataset))

    names = list(presets.PRESETS)
    st.session_state.setdefault(KEY + "preset", names[0])
    st.segmented_control(
        _("Recipe"),
        names,
        format_func=lambda name: show(presets.PRESETS[name].title),
        key=KEY + "preset",
        on_change=apply,
        wrap=True,
        help=_("A recipe fills in every setting on this page. You can change any of them afterwards."),
        **SAVED,
    )
    note = st.container()
    if settings.get("output") == "sigmoid" and classes > 2:
        st.session_state[KEY + "output"] = "softmax"
        note.caption(
            _("These pictures have {n} classes, so softmax takes the place of the single sigmoid unit.").format(
                n=classes
            )
        )
    return note


def describe_recipe(note, config):
    """What the recipe is for, and whether the page still shows it."""
    chosen = st.session_state[KEY + "preset"]
    if not chosen:
        return
    recipe = presets.PRESETS[chosen]
    text = show(recipe.description)
    now, then = settings.values(config), settings.values(recipe.config(config.data.dataset))
    ignored = ("epochs2", "rate2", "optimizer2") if now["plan"] == then["plan"] == "one" else ()
    changed = sum(now[name] != then[name] for name in now if name not in ignored)
    if changed:
        text += " " + ngettext("You changed {n} setting since.", "You changed {n} settings since.", changed).format(
            n=changed
        )
    note.caption(text)


def choose_backbone():
    """The network, the size it sees pictures at, and where its weights come from."""
    name, size, source = st.columns([3, 2, 2])
    name.selectbox(
        _("Backbone"),
        list(BACKBONES),
        format_func=lambda key: f"{BACKBONES[key].title} · {short_number(BACKBONES[key].parameters)}",
        key=f"{KEY}backbone",
        on_change=settings.choose_backbone,
        help=_("The pretrained network below your new head. Behind its name: how many parameters it has."),
        **SAVED,
    )
    row = backbone(settings.get("backbone"))
    if settings.get("size") not in row.sizes:
        st.session_state[KEY + "size"] = row.default_size
    size.selectbox(
        _("Image size"),
        list(row.sizes),
        format_func=lambda side: f"{side} × {side} px",
        key=f"{KEY}size",
        help=_("Every picture is resized and cropped to this square. Larger shows more detail and takes longer."),
        **SAVED,
    )
    names = {
        "bundled": _("Bundled with the app"),
        "imagenet": _("ImageNet (pretrained)"),
        "random": _("Random (from scratch)"),
        "file": _("A file on this computer"),
    }
    sources = [*row.sources, *(["file"] if is_local() else [])]
    if settings.get("weights") not in sources:
        st.session_state[KEY + "weights"] = sources[0]
    source.selectbox(
        _("Weights"),
        sources,
        format_func=names.__getitem__,
        key=f"{KEY}weights",
        help=_("What the backbone knows when training begins: what it learned on ImageNet's photographs, or nothing."),
        **SAVED,
    )
    if settings.get("weights") == "file":
        st.text_input(_("Path of the weights file"), key=f"{KEY}file", placeholder="/path/to/weights.h5", **SAVED)
    st.caption(
        _("{description} {year}, {top1} % of ImageNet right. [Paper]({paper})").format(
            description=show(row.description), year=row.year, top1=f"{row.imagenet_top1:.1f}", paper=row.paper
        )
    )
    return row


def choose_boundary(row, classes):
    """The freeze slider with the drawn blocks, and beside it what it costs."""
    drawing, figures = st.columns([5, 3], gap="medium")
    now = settings.config()
    counts = parameter_counts(now, max(classes, 2), len(now.phases) - 1)
    two = settings.get("plan") == "two"
    blocks = [
        DrawnBlock(
            block.name,
            block.parameters,
            _("{name}: {parameters} parameters in {layers} layers").format(
                name=block.name, parameters=f"{block.parameters:,}", layers=block.layers
            ),
        )
        for block in row.blocks
    ]
    head = DrawnBlock(_("head"), counts.head, _("New head: {n} parameters").format(n=f"{counts.head:,}"))
    with drawing:
        freeze_slider(
            blocks,
            head,
            label=_("Frozen blocks while fine-tuning (phase 2)") if two else _("Frozen blocks"),
            key=f"{KEY}frozen",
            help=_(
                "Frozen blocks keep the weights they came with. Early blocks see edges and colours that suit any "
                "picture; late blocks are the ones worth adapting. Click a block, drag the line, or use the slider."
            ),
        )
    now = settings.config()
    counts = parameter_counts(now, max(classes, 2), len(now.phases) - 1)
    with figures:
        memory = consequences.optimizer_bytes(now.phases[-1], counts) / 1e6
        rows = [
            (f":material/local_fire_department: {_('Trainable')}", f"**{counts.trainable:,}**"),
            (_("of these in the new head"), f"{counts.head:,}"),
            (f":material/ac_unit: {_('Frozen')}", f"**{counts.frozen:,}**"),
            (_("Optimizer state"), f"{memory:,.1f} MB"),
        ]
        table = "\n".join(f"| {name} | {value} |" for name, value in rows)
        st.markdown(f"| {_('Parameters')} | |\n|:--|--:|\n{table}")
        st.markdown(consequences.meaning(row, now))


def choose_training():
    """One phase or two; epochs, rate and optimizer of each."""
    plan = st.segmented_control(
        _("Phases"),
        ["one", "two"],
        format_func={"one": _("One phase"), "two": _("Two phases: head first, then fine-tune")}.__getitem__,
        key=f"{KEY}plan",
        required=True,
        on_change=settings.choose_plan,
        help=_("A fresh head makes large errors at first. Training it alone before thawing blocks protects them."),
        **SAVED,
    )
    if plan == "two":
        st.markdown(_("**Phase 1: the head**, all blocks frozen"))
        phase("")
        st.markdown(_("**Phase 2: fine-tuning** above the line"))
        phase("2")
    else:
        phase("")


def phase(suffix):
    """The widgets of one phase."""
    epochs, rate, optimizer = st.columns([2, 3, 2])
    epochs.number_input(
        _("Epochs"),
        min_value=1,
        max_value=1000,
        key=f"{KEY}epochs{suffix}",
        help=_("How often the network sees every training picture."),
        **SAVED,
    )
    rate.select_slider(
        _("Learning rate"),
        options=sorted({*RATES, settings.get(f"rate{suffix}")}),
        format_func=consequences.rate_text,
        key=f"{KEY}rate{suffix}",
        help=_("How far each step moves the weights. A new head takes large steps, fine-tuning small ones."),
        **SAVED,
    )
    optimizer.selectbox(
        _("Optimizer"),
        OPTIMIZERS,
        format_func={"rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}.__getitem__,
        key=f"{KEY}optimizer{suffix}",
        help=_("The rule that turns gradients into steps. Adam is a safe choice."),
        **SAVED,
    )


def choose_the_rest(classes):
    """Head, data and machine settings that most people leave alone."""
    head, data, machine = st.columns(3, gap="medium")
    with head:
        st.markdown(_("**Head**"))
        st.segmented_control(
            _("Pooling"),
            ["average", "flatten"],
            format_func={"average": _("Average"), "flatten": _("Flatten")}.__getitem__,
            key=f"{KEY}pooling",
            required=True,
            help=_("Average keeps one number for each channel; flatten keeps every position and makes a larger head."),
            **SAVED,
        )
        st.select_slider(
            _("Hidden units"),
            sorted({0, 32, 64, 128, 256, 512, 1024, settings.get("units")}),
            key=f"{KEY}units",
            help=_("Width of the layer before the classifier; 0 leaves it out."),
            **SAVED,
        )
        st.slider(
            _("Dropout"),
            0.0,
            0.9,
            step=0.05,
            key=f"{KEY}dropout",
            help=_("The share of hidden units switched off at random in each step, so that none is relied on alone."),
            **SAVED,
        )
        st.segmented_control(
            _("Output"),
            ["softmax", "sigmoid"] if classes == 2 else ["softmax"],
            format_func={"softmax": "Softmax", "sigmoid": "Sigmoid"}.__getitem__,
            key=f"{KEY}output",
            required=True,
            help=_("Softmax gives one probability for each class; one sigmoid unit is enough for exactly two classes."),
            **SAVED,
        )
    with data:
        st.markdown(_("**Pictures**"))
        st.segmented_control(
            _("Augmentation"),
            AUGMENTATIONS,
            format_func={"none": _("None"), "light": _("Light"), "strong": _("Strong")}.__getitem__,
            key=f"{KEY}augmentation",
            required=True,
            help=_("Shows flipped, shifted and zoomed versions of each picture: helps when there are few."),
            **SAVED,
        )
        if settings.get("augmentation") != "none":
            st.number_input(
                _("Versions of each picture"),
                1,
                64,
                key=f"{KEY}views",
                help=_("So many augmented versions pass the frozen blocks once and are then used in turn."),
                **SAVED,
            )
        st.toggle(
            _("Balance the classes"),
            key=f"{KEY}class_weights",
            help=_("Errors on rare classes count for more (class weights)."),
            **SAVED,
        )
        st.slider(
            _("For validation"),
            5,
            50,
            format="%d %%",
            key=f"{KEY}validation",
            help=_("The share of pictures that only measures progress. A ready-made split of the folder is kept."),
            **SAVED,
        )
        st.slider(
            _("For the last test"),
            0,
            40,
            format="%d %%",
            key=f"{KEY}test",
            help=_("The share that nobody looks at until the end."),
            **SAVED,
        )
        st.number_input(
            _("Seed of the split"),
            0,
            9999,
            key=f"{KEY}split_seed",
            help=_("Another number draws other pictures for validation and test."),
            **SAVED,
        )
    with machine:
        st.markdown(_("**Training**"))
        st.select_slider(
            _("Batch size"),
            sorted({4, 8, 16, 20, 32, 64, 128, 256, settings.get("batch")}),
            key=f"{KEY}batch",
            help=_("Pictures in each step. More need more memory and give smoother steps."),
            **SAVED,
        )
        st.number_input(
            _("Early stopping"),
            0,
            100,
            key=f"{KEY}early",
            help=_("A phase ends after so many epochs without a lower validation loss; 0 trains to the end."),
            **SAVED,
        )
        st.selectbox(
            _("Precision"),
            PRECISIONS,
            format_func={
                "auto": _("Automatic"),
                "float32": "float32",
                "mixed_bfloat16": "mixed bfloat16",
                "mixed_float16": "mixed float16",
            }.__getitem__,
            key=f"{KEY}precision",
            help=_("Automatic uses half the bits where this computer is faster that way."),
            **SAVED,
        )
        st.toggle(
            _("Compute frozen blocks only once"),
            key=f"{KEY}cache",
            help=_("What does not change is computed once and kept (activation cache). Off is the plain, slow way."),
            **SAVED,
        )
        st.number_input(
            _("Seed of the training"),
            0,
            9999,
            key=f"{KEY}seed",
            help=_("The same number gives the same start and order, and on a CPU the same curve."),
            **SAVED,
        )


def start(config, name):
    """Callback: put the run in the queue; the page then goes to it."""
    if "train_started" in st.session_state:
        return  # a double click
    try:
        mine = [run for run in store.all() if run.owner == owner()]
        if sum(store.status(run) in store.ACTIVE for run in mine[:50]) >= WAITING:
            st.session_state["train_crowded"] = True
            return
        run = store.create(config, owner=owner(), name=name)
        queue.submit(run.id)
        st.session_state["train_started"] = run.id
    except UserError as error:
        st.session_state["train_error"] = error


def summary(row, config):
    """The experiment in a line."""
    last = config.phases[-1]
    frozen = boundary(row, last.frozen_blocks)
    what = (
        _("all blocks frozen")
        if frozen == len(row.blocks)
        else _("nothing frozen")
        if frozen == 0
        else _("{n} of {total} blocks frozen").format(n=frozen, total=len(row.blocks))
    )
    epochs = ngettext("{n} epoch", "{n} epochs", config.epochs).format(n=config.epochs)
    return f"**{row.title}** · {what} · {epochs}"


arrive()
settings.begin()
st.title(_("Train"))
if error := st.session_state.pop("train_error", None):
    st.error(f"{show(error.what)} {show(error.remedy)}", icon=":material/error:")
if st.session_state.pop("train_crowded", False):
    st.warning(
        _("You have {n} runs waiting or running. Wait for one to end, or stop one on the Runs page.").format(n=WAITING),
        icon=":material/hourglass_top:",
    )

seen = choose_pictures()
recipe_note = choose_recipe(len(seen.classes))
with st.container(border=True):
    row = choose_backbone()
    notice = st.container()
    choose_boundary(row, len(seen.classes))
with st.container(border=True):
    choose_training()
with st.expander(_("Advanced"), icon=":material/tune:"):
    choose_the_rest(len(seen.classes))

config = settings.config()
describe_recipe(recipe_note, config)
source = None
if config.backbone.weights != "random":
    source = consequences.weights_source(row.name, config.backbone.weights, config.backbone.image_size)
icon, sentence = consequences.weights_sentence(row, config, source)
notice.markdown(f"{icon} {sentence}")
stand_in_the_way = consequences.obstacles(config, seen, source)

with st.expander(_("The same in Keras"), icon=":material/code:"):
    st.caption(_("What these settings mean, as a script that trains the same network without the activation cache."))
    st.code(keras_code(config, seen.training or (1, 1)), language="python")
with st.expander(_("Share these settings"), icon=":material/link:"):
    st.caption(_("Whoever opens this link finds this page filled in as you see it now."))
    address = str(st.context.url or "").split("?")[0]
    st.code(f"{address}?{urlencode(settings.link(config))}", language=None, wrap_lines=True)

for caution in consequences.cautions(row, config, parameter_counts(config, max(len(seen.classes), 2)), seen):
    st.warning(caution, icon=":material/lightbulb:")
with st.bottom, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    with st.container(width="stretch", gap=None):
        st.markdown(summary(row, config))
        if stand_in_the_way:
            st.markdown(f":material/block: {stand_in_the_way[0]}")
        else:
            guess = estimate(config, sum(seen.training), sum(seen.validation), consequences.measured())
            st.caption(_("About {time}: {source}.").format(time=duration(guess.seconds), source=show(guess.source)))
    st.button(
        _("Start training"),
        key="train_start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=bool(stand_in_the_way),
        on_click=start,
        args=(config,),
    )
