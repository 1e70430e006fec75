"""What would come next without a head, a block or a token: on the equations, and as the engine answers it."""

from pathlib import Path

import numpy as np
import pytest

from tests.tasks.text_generation import folders, reference
from tl_core.base.errors import UserError
from tl_core.engine.models import Models
from tl_core.tasks.text_generation import ablation, predict
from tl_core.tasks.text_generation.calls import WHOLE, Ablate, Occlude
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.sampling import softmax
from tl_core.text.pretrained import model

TINY = folders.TINY
EVERY = [(block, head) for block in range(TINY.layers) for head in range(TINY.heads)]
IDS = np.random.default_rng(2).integers(0, TINY.vocabulary, 9).tolist()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def weights(folder: Path) -> dict[str, np.ndarray]:
    return dict(model.load_folder(folder).weights)


@pytest.fixture(scope="module")
def decoder(weights) -> Decoder:
    return Decoder(TINY, weights)


@pytest.fixture(scope="module")
def held(folder: Path) -> Models:
    """An engine's models, in this process."""
    return Models()


def _equations(weights: dict[str, np.ndarray]) -> np.ndarray:
    return reference.softmax(reference.logits(weights, TINY.layers, TINY.heads, IDS)[-1])


def test_without_nothing_it_is_the_network_itself(decoder, weights):
    found = ablation.without_parts(decoder, IDS, ())
    np.testing.assert_allclose(found, _equations(weights), atol=1e-5)
    decoder.rewind(0)
    np.testing.assert_allclose(found, softmax(decoder.read(IDS).logits), rtol=0, atol=1e-6)


def test_without_any_head_it_is_a_pass_without_attention(decoder, weights):
    """Embeddings, biases and feed-forward layers alone; the equations once more, without a query in them."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    x = w["wte.weight"][IDS[-1]] + w["wpe.weight"][len(IDS) - 1]  # no other token can be seen
    for layer in range(TINY.layers):
        own = f"h.{layer}."
        x = x + w[own + "attn.c_proj.bias"]
        inner = reference.norm(x, w[own + "ln_2.weight"], w[own + "ln_2.bias"])
        inner = inner @ w[own + "mlp.c_fc.weight"] + w[own + "mlp.c_fc.bias"]
        inner = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
        x = x + inner @ w[own + "mlp.c_proj.weight"] + w[own + "mlp.c_proj.bias"]
    expected = reference.softmax(reference.last(weights, x))
    assert np.abs(expected - _equations(weights)).max() > 0.01
    np.testing.assert_allclose(ablation.without_parts(decoder, IDS, EVERY), expected, atol=1e-5)


def test_a_head_that_is_off_mixes_nothing(decoder, weights):
    """As if its rows of the projection were zero."""
    size = TINY.width // TINY.heads
    changed = weights["h.1.attn.c_proj.weight"].copy()
    changed[size:] = 0
    expected = _equations({**weights, "h.1.attn.c_proj.weight": changed})
    np.testing.assert_allclose(ablation.without_parts(decoder, IDS, [(1, 1)]), expected, atol=1e-5)


def test_a_block_that_is_off_is_passed(decoder, weights):
    nothing = {
        name: np.zeros_like(value) if name.startswith("h.1.") and ".c_proj." in name else value
        for name, value in weights.items()
    }
    found = ablation.without_parts(decoder, IDS, [(1, WHOLE)])
    np.testing.assert_allclose(found, _equations(nothing), atol=1e-5)
    gone = [(block, WHOLE) for block in range(TINY.layers)]
    lens = reference.last(weights, reference.blocks(weights, TINY.layers, TINY.heads, IDS)[0][0, -1])
    np.testing.assert_allclose(ablation.without_parts(decoder, IDS, gone), reference.softmax(lens), atol=1e-5)


def test_a_hidden_token_is_the_average_of_all(decoder, weights):
    table = weights["wte.weight"]
    whole = {**weights, "wte.weight": np.concatenate([table, table.mean(0, keepdims=True)])}
    for place in (0, 4, len(IDS) - 1):
        ids = [*IDS[:place], TINY.vocabulary, *IDS[place + 1 :]]
        expected = reference.logits(whole, TINY.layers, TINY.heads, ids)[-1, : TINY.vocabulary]
        (found,) = ablation.without_tokens(decoder, IDS, [place])
        np.testing.assert_allclose(found, reference.softmax(expected), atol=1e-5)


def test_many_are_hidden_in_pieces(decoder, monkeypatch):
    together = ablation.without_tokens(decoder, IDS, range(len(IDS)))
    monkeypatch.setattr(ablation, "AT_ONCE", 2 * len(IDS))
    np.testing.assert_allclose(ablation.without_tokens(decoder, IDS, range(len(IDS))), together, atol=1e-6)


@pytest.mark.parametrize("part", [(TINY.layers, 0), (-1, WHOLE), (0, TINY.heads), (0, -2)])
def test_a_part_that_is_not_there_is_told(decoder, part):
    with pytest.raises(UserError, match="has no head"):
        ablation.without_parts(decoder, IDS, [part])


def test_the_engine_compares_with_the_whole_network(held, folder, weights):
    def ask(*off):
        return predict.ablate(Ablate(str(folder), tuple(IDS[:5]), tuple(IDS[5:]), 7, off), held.desk())

    expected = _equations(weights)
    same = ask()
    assert all(row.before == row.after for row in same), "nothing is off: exactly the same"
    assert same[0].id == expected.argmax() and 7 in {row.id for row in same}
    np.testing.assert_allclose([row.before for row in same], expected[[row.id for row in same]], atol=1e-5)
    less = ask((0, WHOLE), (2, 1))
    assert less[0].id == same[0].id and less[0].before == same[0].before != less[0].after
    assert max(less, key=lambda row: row.after).id in {row.id for row in less}
    assert sum(row.after for row in less) <= 1 + 1e-6
    with pytest.raises(UserError, match="has no head"):
        ask((9, 0))


def test_the_engine_tells_by_how_much_a_token_is_missed_and_nothing_for_what_is_not_seen(held, folder, weights):
    def ask(prompt, written=(), back=(1, 2, 9, 10)):
        return predict.occlude(Occlude(str(folder), tuple(prompt), tuple(written), token, back), held.desk())

    token = int(_equations(weights).argmax())
    falls = ask(IDS[:5], IDS[5:])
    assert np.abs(falls[:3]).max() > 0.01 and falls[3] == 0
    long = [*IDS * 8][: TINY.context + 3]  # the first three are out of sight
    assert ask(long, back=(TINY.context + 1, TINY.context + 3)) == (0, 0)
    assert ask(long, back=(TINY.context,)) != (0,)
    assert ask([], back=(2,)) == (0,), "of a text that begins only the sign for that is seen"


def test_where_nobody_attends_only_the_last_token_counts(weights):
    deaf = {name: np.zeros_like(value) if "attn.c_proj" in name else value for name, value in weights.items()}
    before = _equations(deaf)
    without = ablation.without_tokens(Decoder(TINY, deaf), IDS, range(len(IDS)))
    changed = np.abs(without - before).max(1)
    assert changed[:-1].max() < 1e-5 < 1e-3 < changed[-1]
