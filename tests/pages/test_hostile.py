"""Every page with names, reasons and addresses that would be Markdown, links, icons or formulas if nobody took care.

All texts that Streamlit renders as Markdown are looked through, in whatever element they stand;
`tests/browser/test_hostile_in_browser.py` looks at what a browser makes of them.
"""

import contextlib
import json
from collections.abc import Iterator

import pytest
from google.protobuf.message import Message as Proto

from pages.server import generations
from pages.ui.markdown import plain, problem, sentence
from tests.images.data.drawing import jpeg
from tests.pages.made import ME, opened, recipe, reported, run_of, trained
from tests.pages.test_text_runs import finished as tuned
from tests.tasks.text_classification import tiny
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.locks import try_lock
from tl_core.base.messages import message
from tl_core.engine import client
from tl_core.engine.client import Answer, State
from tl_core.images.data import dataset as datasets
from tl_core.images.data import jobs
from tl_core.images.data.ingest import ingest
from tl_core.runs import store, worker
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.calls import Explanation, Recognized, Scores
from tl_core.tasks.text_classification import predict
from tl_core.tasks.text_classification.config import (
    DataConfig,
    EncoderConfig,
    PhaseConfig,
    TextClassificationConfig,
)
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus, labelled

pytestmark = pytest.mark.usefixtures("tl_home")
PIECES = ("[x](", "http://evil", "**b**", ":material/face", "www.evil", "a@evil", "$m$")
HOSTILE = "[x](http://evil.x) **b** :material/face: www.evil.x a@evil.x $m$"  # as long as the shortest name may be
RENDERED = {"body", "label", "help", "text", "title", "delta", "delta_description", "captions", "caption", "content"}
PLAIN = {"Html", "Json", "Code", "Text", "Exception", "BidiComponent"}  # elements that render no Markdown
PAGES = (
    "welcome", "data", "train", "run", "runs", "classify", "replay", "generate", "finetune", "texts", "classify_text",
)  # fmt: skip
ERROR = UserError(message("It is {what}.", what=HOSTILE), message("Ask {who}.", who=[HOSTILE, "her"]))


def rendered(test) -> Iterator[tuple[str, str]]:
    """Whatever is rendered as Markdown on a page: the element it stands in, and the text."""
    waiting = [test._tree]
    while waiting:
        node = waiting.pop()
        waiting += getattr(node, "children", {}).values()
        proto = getattr(node, "proto", None)
        if isinstance(proto, Proto):
            yield from _texts(proto)


def _texts(proto: Proto) -> Iterator[tuple[str, str]]:
    kind = proto.DESCRIPTOR.name
    if kind in PLAIN:
        return
    for field, value in proto.ListFields():
        for item in [value] if isinstance(value, (str, Proto)) else value if hasattr(value, "append") else []:
            if isinstance(item, Proto):
                yield from _texts(item)
            elif isinstance(item, str) and (field.name in RENDERED or (kind == "Slider" and field.name == "options")):
                yield f"{kind}.{field.name}", item


def harmless(test) -> str:
    """Check a page; answers all that it renders."""
    assert not test.exception, test.exception
    texts = list(rendered(test))
    found = [(where, text) for where, text in texts if any(piece in text for piece in PIECES)]
    assert not found, found
    return "\n".join(text for _where, text in texts)


@pytest.fixture
def dataset():
    """Pictures whose name and one of whose classes are hostile; some files were refused."""
    files = [(f"{name}/{n}.jpg", jpeg(50 * c + n)) for c, name in enumerate("ab") for n in range(12 - 8 * c)]
    files += [("a/[x](http:evil) **b** $m$.jpg", b""), ("a/[x](www.evil.x) :material*face:.png", b"<html>")]
    made = ingest(files, name=HOSTILE, owner=ME)
    return datasets.relabel(made, [image.key for image in made.images if image.label == 1], HOSTILE)


def run(dataset, *log, name=HOSTILE, **options):
    made = run_of(recipe(dataset), *log, name=name, **options)
    store.tag(made.id, [HOSTILE[:30]])
    return made


STARTED = events.Started(device=HOSTILE, precision=HOSTILE)


@pytest.fixture
def engine(monkeypatch):
    """Says of everything what it is told to."""

    class Engine:
        status, labels = State("ready"), ((HOSTILE, 0.7), ("b", 0.3))

    stand_in = Engine()

    def classify(source, files, top=5, status=lambda said: None):
        status(message("Looking at {what}", what=HOSTILE))
        if isinstance(stand_in.labels, UserError):
            raise stand_in.labels
        return [
            Answer(name, () if "bad" in name else stand_in.labels, ERROR if "bad" in name else None)
            for name, _ in files
        ]

    monkeypatch.setattr(client, "state", lambda source: stand_in.status)
    monkeypatch.setattr(client, "warm", lambda source: None)

    def recognize(run_id, files, status=lambda said: None):
        status(message("Looking at {what}", what=HOSTILE))
        if len(files) == 1:
            raise ERROR
        return Recognized(tuple(Scores(0.1, 9.0) for _ in files), Scores(0.5, 1.0), 9, 9)

    def explain(source, data, label, method, check, status=lambda said: None):
        if method == "occlusion":
            raise ERROR
        return Explanation(0.7, ((0.3, 0.0), (-0.1, 0.0)), None)

    def detect(run_id, other, status=lambda said: None):
        raise ERROR

    monkeypatch.setattr(client, "classify", classify)
    monkeypatch.setattr(client, "recognize", recognize)
    monkeypatch.setattr(client, "detect", detect)
    monkeypatch.setattr(client, "explain", explain)
    monkeypatch.setattr(generations, "_all", {})
    return stand_in


# The words themselves


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, 18:43 (a) 0.25 - x!", "plain words, 18\\:43 (a) 0.25 - x!"),
        ("*a* _b_ `c` [d](e) #f", "\\*a\\* \\_b\\_ \\`c\\` \\[d\\](e) \\#f"),
        ("<g> $h$ ~i~ |j| &k;", "\\<g\\> \\$h\\$ \\~i\\~ \\|j\\| \\&k;"),
        ("- a", "\\- a"),
        ("+ a", "\\+ a"),
        ("12. a", "12\\. a"),
        ("12) a", "12\\) a"),
        ("1.5 a", "1.5 a"),
        ("a\n\n# b\n- c", "a \\# b - c"),
        ("http://x www.x WWW.x a@x", "http\\:\u2060//x www\u2060.x WWW\u2060.x a@\u2060x"),
        (":y: C:\\z", "\\:\u2060y\\: C\\:\\\\z"),
    ],
)  # fmt: skip
def test_no_sign_takes_effect(text, shown):
    assert plain(text) == shown


def test_values_are_escaped_wherever_they_are_and_our_own_markup_stays():
    said = sentence(message("**Bold** {a} {b} {c}", a="*x*", b=["*y*", message("*z* {n}", n="*n*")], c=1.5))
    assert said == "**Bold** \\*x\\* \\*y\\*, *z* \\*n\\* 1.5"
    assert problem(ERROR).startswith("**It is \\[x\\]")


def test_a_value_in_a_command_stays_as_it_is_typed():
    error = message("Get {name}: `fetch {name} --to {path}`", name="a_b", path="/x`*y*")
    assert sentence(error) == "Get a\\_b: `fetch a_b --to /x'*y*`"


# Page by page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pictures(dataset, language):
    said = harmless(opened("data", language))
    assert plain(HOSTILE) in said


def test_pictures_on_their_way(dataset, monkeypatch):
    test = opened("data")
    for state in ({"upload_error": ERROR}, {"upload_ready": HOSTILE}, {"upload_stopped": (HOSTILE, True)},
                  {"upload_skipped": (2, [(HOSTILE, True), ("`" + HOSTILE, False)])}, {"shelf_busy": HOSTILE},
                  {"shelf_error": ERROR}, {"tidy_error": ERROR}):  # fmt: skip
        for name, value in state.items():
            test.session_state[name] = value
        assert "evil" in harmless(test.run()), state
    for phase in ("drawing", "download", "unpack", "ingest", ""):
        job = jobs.Job("0" * 16, HOSTILE, ME, "working", 0, 3, 9 if phase else 0, 1, 2.0, 1.0, 2.0, None, None, phase)
        monkeypatch.setattr(jobs, "get", lambda wanted, job=job: job)
        assert "evil" in harmless(opened("data", ingest="x")), phase


def test_welcome(dataset):
    run(dataset)
    assert "evil" in harmless(opened("welcome"))


def test_train(dataset):
    made = run(dataset)
    harmless(opened("train", **{"from": made.id}))
    for address in ({"from": HOSTILE}, {"backbone": "vgg16", "weights": HOSTILE}, {"epochs": HOSTILE},
                    {"dataset": HOSTILE}, {"pooling": HOSTILE}, {"optimizer": HOSTILE}, {"augmentation": HOSTILE},
                    {"precision": HOSTILE, "output": HOSTILE}, {"backbone": HOSTILE}):  # fmt: skip
        harmless(opened("train", **address))
    test = opened("train")
    test.session_state["train_weights"], test.session_state["train_file"] = "file", f"/{HOSTILE}"
    assert "evil" in harmless(test.run())
    for name in ("setup_error", "submission_error"):
        test.session_state[name] = ERROR
        assert "evil" in harmless(test.run())


def test_a_split_without_pictures_of_a_class(dataset):
    folders = ("train/a", "train/b", "val/a")
    files = [(f"{folder}/{n}.jpg", jpeg(n + 20 * place)) for place, folder in enumerate(folders) for n in range(9)]
    made = ingest(files, name="parted", owner=ME)
    datasets.relabel(made, [image.key for image in made.images if image.label == 1], HOSTILE)
    for page in ("data", "train", "welcome"):
        assert "evil" in harmless(opened(page, dataset=made.id)), page


def test_run(dataset):
    log = [STARTED, events.Notice(message=message("See {x}", x=HOSTILE)), *trained()]
    failed = events.Failed(error=ERROR, details=HOSTILE)
    unknown = run(dataset, STARTED, events.Phase(phase=HOSTILE))
    with try_lock(unknown.folder / "lock"):
        assert "evil" in harmless(opened("run", run=unknown.id))
    for ending in ([], [failed], [events.Finished(best_epoch=3)], [events.Stopped(best_epoch=3)]):
        made = run(dataset, *(log if ending else []), *ending)
        if isinstance(ending and ending[0], events.Finished):
            reported(made, datasets.load(datasets.latest(dataset.id)), wrong=1)
            reported(made, datasets.load(datasets.latest(dataset.id)), "test", wrong=0)
        test = opened("run", run=made.id)
        assert "evil" in harmless(test)
        test.session_state["run_error"] = ERROR
        harmless(test.run())
    (made.folder / "config.json").write_text(json.dumps({"data": {HOSTILE: 1}}))
    assert "evil" in harmless(opened("run", run=made.id))
    datasets.delete(dataset.id)
    harmless(opened("run", run=unknown.id))


@pytest.mark.parametrize("page", ["run", "classify", "generate", "classify_text"])
def test_an_address_that_names_no_run(page, engine):
    harmless(opened(page, run=HOSTILE))


def test_other_addresses(engine, dataset):
    harmless(opened("replay", recording=HOSTILE))
    harmless(opened("runs", compare=f"{HOSTILE},{HOSTILE}"))
    harmless(opened("data", dataset=HOSTILE, ingest=HOSTILE))
    harmless(opened("finetune", text=HOSTILE, **{"from": HOSTILE}))
    harmless(opened("generate", text=HOSTILE))
    harmless(opened("texts", texts=HOSTILE, **{"from": HOSTILE}))
    for page in PAGES:
        harmless(opened(page, language=HOSTILE))


def test_runs(dataset):
    first, second = (run(dataset, STARTED, *trained(), events.Finished(best_epoch=3)) for _ in range(2))
    test = opened("runs", compare=f"{first.id},{second.id}")
    test.toggle(key="compare_all_image_classification").set_value(True).run()
    harmless(test)
    test = opened("runs", compare=first.id)
    assert "evil" in harmless(test), "asked whether to delete it"
    test.session_state["manage_error"] = ERROR
    assert "evil" in harmless(test.run())
    test.text_input(key="runs_search").set_value(HOSTILE).run()
    harmless(test)


def test_classify(dataset, engine):
    made = run(dataset, STARTED, *trained(), events.Finished(best_epoch=3, metrics={"accuracy": 0.9}))
    (made.folder / "labels.json").write_text(json.dumps([HOSTILE, "b"]))
    early = run(dataset, STARTED, events.Stopped())
    assert "evil" in harmless(opened("classify", run=early.id))
    test = opened("classify", run=made.id)
    assert "evil" in harmless(test)
    for names in ([HOSTILE], [f"bad {HOSTILE}"], [HOSTILE, "c.jpg", f"bad {HOSTILE}"]):
        test.file_uploader[0].set_value([(f"{name}.jpg", jpeg(1), "image/jpeg") for name in names]).run()
        assert "evil" in harmless(test), names
    test.button("known_go").click().run()
    assert "evil" in harmless(test)
    test.file_uploader[0].set_value([("e.jpg", jpeg(3), "image/jpeg")]).run()
    for method in ("grad_cam", "occlusion"):
        assert "evil" in harmless(test.button_group(key="why_method").set_value(method).run())
    engine.labels = ERROR
    test = opened("classify", run=made.id)
    test.file_uploader[0].set_value([("d.jpg", jpeg(2), "image/jpeg")]).run()
    assert "evil" in harmless(test)
    test.session_state["classify_error"] = ERROR
    harmless(test.run())
    for status in (State("loading", message("Loading {x}", x=HOSTILE)), State("failed", error=ERROR)):
        engine.status = status
        assert "evil" in harmless(opened("classify", run=made.id))
    config = json.loads((made.folder / "config.json").read_text())
    config["backbone"]["name"] = HOSTILE
    (made.folder / "config.json").write_text(json.dumps(config))
    engine.status = State("ready")
    for page in ("classify", "run", "runs"):
        harmless(opened(page, run=made.id, compare=made.id))


def test_text_runs_and_their_comparison():
    text = corpus.paste("The fox and the hen. " * 300, name=HOSTILE, owner=ME)
    made = [tuned(text, HOSTILE, prompt=HOSTILE), tuned(text, HOSTILE, lora_rank=4)]
    test = opened("run", run=made[0].id)
    next(button for button in test.button if button.proto.is_form_submitter)
    assert "evil" in harmless(test)
    test = opened("runs", compare=",".join(item.id for item in made))
    test.toggle(key="compare_all_text_generation").set_value(True).run()
    harmless(test)


@pytest.fixture
def opinions(tmp_path) -> Run:
    """A small classifier of texts, trained in this process; texts, classes and all names are hostile."""
    rows = [
        (f"It was {word}, {number}. {HOSTILE}", label, None, str(number))
        for number in range(20)
        for word, label in (("good", HOSTILE), ("bad", "b"))
    ]
    texts = labelled.from_rows(rows, name=HOSTILE, owner=ME)
    config = TextClassificationConfig(
        DataConfig(texts.id, 0.3, 0.2),
        EncoderConfig(str(tiny.write(tmp_path / "tiny")), length=16),
        phases=(PhaseConfig(-1, 1, 1e-3),),
        precision="float32",
    )
    made = store.create(config, owner=ME, name=HOSTILE)
    events.append(made.log, events.Queued())
    assert worker.work(made.id) == 0
    return made


def test_labelled_texts(opinions):
    test = opened("texts", texts=opinions.config.data.dataset)
    assert "evil" in harmless(test)
    next(each for each in test.text_area if each.key.startswith("labelled_pasted")).set_value(f"{HOSTILE}\n{HOSTILE}")
    harmless(test.button(key="labelled_paste").click().run())
    table = f"{HOSTILE},label\n" + "\n".join(f"A {HOSTILE} day {number},{number % 2}" for number in range(8))
    box = next(each for each in test.file_uploader if each.key.startswith("labelled_table"))
    assert "evil" in harmless(box.set_value([(f"{HOSTILE.replace('/', '')}.csv", table.encode(), "text/csv")]).run())
    harmless(opened("texts", **{"from": opinions.id}))


def test_a_classifier_of_texts_and_its_comparison(opinions):
    assert "evil" in harmless(opened("run", run=opinions.id))
    assert "evil" in harmless(opened("runs", compare=opinions.id))
    config = json.loads((opinions.folder / "config.json").read_text())
    config["encoder"]["name"] = HOSTILE
    (opinions.folder / "config.json").write_text(json.dumps(config))
    for page in ("classify_text", "run", "runs"):
        harmless(opened(page, run=opinions.id, compare=opinions.id))


def test_classify_text(opinions, engine, monkeypatch):
    classifier = predict.Loaded(predict.model.load(opinions.folder, opinions.config), 1)

    class Desk:
        is_gone = staticmethod(lambda: False)

        def use(self, source):
            return contextlib.nullcontext(classifier)

    monkeypatch.setattr(client, "ask", lambda call, asked, status: predict.classify(asked, Desk()))
    test = opened("classify_text", run=opinions.id)
    test.text_area(key="classify_text_text").set_value(HOSTILE)
    assert "evil" in harmless(next(each for each in test.button if each.label == "Classify").click().run())
    for status in (State("loading", message("Loading {x}", x=HOSTILE)), State("failed", error=ERROR)):
        engine.status = status
        assert "evil" in harmless(opened("classify_text", run=opinions.id))


def test_before_and_after(monkeypatch):
    def write(model, prompt, settings, written=(), status=lambda said: None):
        status(message("Loading {x}", x=HOSTILE))
        raise ERROR
        yield

    monkeypatch.setattr(client, "write", write)
    text = corpus.paste("The fox and the hen. " * 300, name="text", owner=ME)
    test = opened("run", run=tuned(text, HOSTILE, model=f"/models/{HOSTILE}").id)
    next(button for button in test.button if button.proto.is_form_submitter).click().run()
    assert "evil" in harmless(test)


def test_fine_tune(tmp_path):
    odd = [
        (f"{HOSTILE}.txt", "\n\n".join(["The king of the hill had seven sons." * 2] * 99).encode()),
        (HOSTILE, b"\x89PNG\0\0" * 99),
    ]
    text = corpus.ingest(odd, name=HOSTILE, owner=ME)
    test = opened("finetune", text=text.id)
    assert "evil" in harmless(test)
    for name, value in {"upload_error": ERROR, "text_busy": HOSTILE, "submission_error": ERROR}.items():
        test.session_state[name] = value
        assert "evil" in harmless(test.run()), name
    test.selectbox(key="tune_model").set_value("folder").run()
    folder = tmp_path / HOSTILE.replace("/", "_")
    folder.mkdir()
    test.text_input(key="tune_folder").set_value(str(folder)).run()
    assert "evil" in harmless(test)


def test_generate(engine, tmp_path):
    test = opened("generate")
    test.session_state["generate_kind"] = "folder"
    test.run()
    test.text_input(key="generate_folder").set_value(f"/{HOSTILE}").run()
    assert "evil" in harmless(test)
    for name in ("generate_error", "generate_warm_error"):
        test.session_state[name] = ERROR
        assert "evil" in harmless(test.run())
    text = corpus.paste("The fox and the hen. " * 300, name=HOSTILE, owner=ME)
    made = tuned(text, HOSTILE)
    for status in (State("loading", message("Loading {x}", x=HOSTILE)), State("failed", error=ERROR)):
        engine.status = status
        assert "evil" in harmless(opened("generate", run=made.id))
    broken = run_of(TextConfig(text.id, f"/{HOSTILE}"), STARTED, events.Epoch(epoch=1, best=True), name=HOSTILE)
    assert "evil" in harmless(opened("generate", run=broken.id))


def test_a_server_folder_that_cannot_be_read(tmp_path):
    test = opened("data")
    test.text_input(key="data_path").set_value(str(tmp_path / HOSTILE)).run()
    test.button(key="data_read").click().run()
    assert "evil" in harmless(test)


def test_a_picture_drawn_from_the_dataset(dataset, engine):
    test = opened("classify")
    test.session_state["session_dataset"] = dataset.id
    test.button_group(key="classify_way").set_value("unseen").run()
    harmless(test)
