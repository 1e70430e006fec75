"""Names and reasons that would be links, icons, formulas or markup: what a browser makes of them, page by page."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, served
from tests.browser.test_everywhere import settled
from tests.images.data.drawing import jpeg
from tests.pages.made import recipe, reported, run_of, trained
from tests.pages.test_text_runs import finished as tuned
from tests.tasks.text_classification import tiny
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.ingest import ingest
from tl_core.runs import store, worker
from tl_core.tasks.text_classification.config import DataConfig, EncoderConfig, PhaseConfig, TextClassificationConfig
from tl_core.text.data import corpus, labelled

pytestmark = pytest.mark.browser
MARKDOWN = "[x](http://evil.x) **b** :material/face: www.evil.x a@evil.x $m$ :smile:"
MARKUP = '<a href="http://evil.x">l</a> <b>b</b> <img src="http://evil.x/i">'
EVIL = """() => {
  const inside = (node) => [node, ...(node.shadowRoot ? all(node.shadowRoot) : [])]
  const all = (root) => [...root.querySelectorAll('*')].flatMap(inside)
  const leads = (node) => ['href', 'src', 'xlink:href'].some((name) => (node.getAttribute(name) ?? '').includes('evil'))
  const drawn = (node) => node.matches('.katex, [aria-label="face icon"]')
  const bold = (node) => ['strong', 'b'].includes(node.localName) && node.textContent === 'b'
  const found = all(document).filter((node) => leads(node) || drawn(node) || bold(node))
  return found.map((node) => node.outerHTML.slice(0, 200))
}"""  # links and pictures that lead to evil, icons, formulas and bold type; inside components too


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One server for all: nothing here changes what it has."""
    with served(tmp_path_factory.mktemp("hostile"), TL_WARM="0") as server:
        yield server


@pytest.fixture(scope="module")
def made(app: App) -> dict[str, str]:
    """A data folder full of such names; answers the ids of runs by what they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TL_HOME", str(app.home))
        return _made(app.home)


def _made(home: Path) -> dict[str, str]:
    found = {}
    for name, text in (("markdown", MARKDOWN), ("markup", MARKUP)):
        dataset = _pictures(text)
        log = [events.Started(device=text[:40], precision="float32"), *trained()]
        ended = run_of(recipe(dataset), *log, events.Finished(best_epoch=3, metrics={"accuracy": 0.9}), name=text)
        reported(ended, dataset, wrong=1)
        store.tag(ended.id, [text[:30]])
        (ended.folder / "labels.json").write_text(json.dumps([text, "b"]))
        error = UserError(message("It is {what}.", what=text), message("Ask {who}.", who=text))
        failed = run_of(recipe(dataset), *log, events.Failed(error=error, details=text), name=text)
        written = corpus.paste("The king of the hill had seven sons. " * 200, name=text)
        found |= {f"{name} ended": ended.id, f"{name} failed": failed.id, f"{name} text": tuned(written, text).id}
    return found | {"classifier": _classifier(home / "tiny")}


def _classifier(encoder: Path) -> str:
    """The id of a small classifier of texts that has been trained; its classes are called so, its texts say so."""
    rows = [
        (f"It was {word}, {number}. {MARKDOWN} {MARKUP}", label, None, f"{label} {number}")
        for number in range(12)
        for word, label in (("good", MARKDOWN), ("bad", MARKUP))
    ]
    config = TextClassificationConfig(
        DataConfig(labelled.from_rows(rows, name=MARKDOWN).id, 0.3, 0.2),
        EncoderConfig(str(tiny.write(encoder)), length=16),
        phases=(PhaseConfig(-1, 1, 1e-3),),
        precision="float32",
    )
    run = store.create(config, owner="", name=MARKUP)
    events.append(run.log, events.Queued())
    assert worker.work(run.id) == 0
    return run.id


def _pictures(text: str) -> Dataset:
    files = [(f"{name}/{n}.jpg", jpeg(50 * c + n)) for c, name in enumerate("ab") for n in range(12 - 8 * c)]
    dataset = ingest([*files, (f"a/{text.replace('/', ':')}.jpg", b"")], name=text)
    return datasets.relabel(dataset, [image.key for image in dataset.images if image.label == 1], text)


def test_nothing_that_people_write_becomes_markup(app: App, page: Page, made: dict[str, str]):
    ids = ",".join(made.values())
    texts = Path(app.home / "texts")
    addresses = [
        *(f"run?run={run}" for run in made.values()),
        f"runs?compare={ids}",
        f"classify?run={made['markdown ended']}",
        f"classify?run={made['markup failed']}",
        *(f"data?dataset={folder.name}" for folder in (app.home / "datasets").iterdir()),
        *(f"finetune?text={folder.name}" for folder in texts.iterdir()),
        f"generate?run={made['markup text']}",
        f"classify_text?run={made['classifier']}",
        *(f"texts?texts={folder.name}" for folder in (app.home / "labelled").iterdir()),
        *(f"{name}={MARKDOWN}" for name in ("run?run", "runs?compare", "replay?recording", "classify?run", "train?from",
                                            "train?epochs", "finetune?text", "finetune?from", "data?dataset",
                                            "texts?texts", "texts?from", "classify_text?run")),
        "",
        "train",
    ]  # fmt: skip
    for address in addresses:
        page.goto(f"{app.url}/{address}")
        settled(page)
        assert page.evaluate(EVIL) == [], address


def test_nor_does_it_in_what_is_said_of_a_text(app: App, page: Page, made: dict[str, str]):
    main = page.get_by_test_id("stMain")
    for text in (MARKDOWN, MARKUP):
        page.goto(f"{app.url}/classify_text?run={made['classifier']}")
        expect(main).to_contain_text("Ready to answer")
        page.get_by_role("textbox", name="Text").fill(text)
        page.get_by_role("button", name="Classify").click()
        expect(main).to_contain_text("Influence of each word")
        expect(main.locator(".tl-words span")).to_have_text(text.split())
        settled(page)
        assert page.evaluate(EVIL) == [], text


def test_nor_does_it_in_charts_lists_and_questions(app: App, page: Page, made: dict[str, str]):
    for name in ("markdown", "markup"):
        page.goto(f"{app.url}/run?run={made[f'{name} ended']}")
        expect(page.locator(".stPlotlyChart .xtick text").first).to_be_visible()
        settled(page)
        assert page.evaluate(EVIL) == [], name
    expect(page.locator(".stPlotlyChart .ytick text").filter(has_text='<a href="')).not_to_have_count(0)
    page.goto(f"{app.url}/runs?compare={made['markdown ended']},{made['markup ended']}")
    expect(page.locator(".tl-live .js-plotly-plot").first).to_be_visible()
    page.get_by_text("Delete", exact=True).click()
    expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    assert page.evaluate(EVIL) == []
    page.goto(f"{app.url}/data")
    settled(page)
    page.locator(".st-key-shelf_chosen input").click()
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate(EVIL) == []
