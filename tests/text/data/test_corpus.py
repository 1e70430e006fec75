"""Text comes in from anywhere, says what is odd about it, and is split into contiguous parts."""

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.tasks.text_generation import folders
from tl_core.base.errors import UserError
from tl_core.text import tokenizer
from tl_core.text.data import corpus, files, grammar, samples, typography

STORY = "\n\n".join(f"Paragraph number {n} tells how the king and the fox met for the {n}th time." for n in range(60))


@pytest.fixture(scope="module")
def bpe(tmp_path_factory: pytest.TempPathFactory):
    return tokenizer.load(folders.write(tmp_path_factory.mktemp("model")))


def _zip(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_pasted_text_comes_back_and_is_found_again(tl_home: Path):
    made = corpus.paste("  Hello,\r\nworld.  ", name="mine", owner="ann")
    assert corpus.load(made.id) == made and made.text == "  Hello,\nworld.  "
    (made.folder.parent / ("0" * 16)).mkdir()
    (made.folder.parent / ("0" * 16) / "corpus.json").write_text("[")
    assert [c.id for c in corpus.corpora()] == [made.id], "a damaged one costs itself alone"
    corpus.delete(made.id)
    with pytest.raises(UserError, match="no text with the id"):
        corpus.load(made.id)


def test_zip_and_files_with_the_bad_ones_listed(tl_home: Path):
    archive = _zip(
        **{
            "tales/a.txt": b"The first tale.",
            "tales/b.md": b"# The second tale",
            "tales/same.txt": b"The first tale.",
            "tales/photo.jpg": b"\xff\xd8\xff",
            "__MACOSX/tales/._a.txt": b"junk",
            "tales/empty.txt": b" \n",
        }
    )
    made = corpus.ingest([("all.zip", archive), ("c.txt", "Über".encode("cp1252"))], name="tales")
    assert [d.name for d in made.documents] == ["tales/a.txt", "tales/b.md", "c.txt"]
    assert [made.text[d.start : d.end] for d in made.documents] == ["The first tale.", "# The second tale", "Über"]
    reasons = {file: str(reason) for file, reason in made.rejected}
    assert set(reasons) == {"tales/same.txt", "tales/photo.jpg", "tales/empty.txt"}
    assert "same text as tales/a.txt" in reasons["tales/same.txt"] and "empty" in reasons["tales/empty.txt"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("狐狸和国王".encode("utf-16"), "狐狸和国王"),
        ("狐狸和国王的故事".encode("gb18030"), "狐狸和国王的故事"),
        ("\ufeffcafé".encode(), "café"),
        ("café".encode("latin-1"), "café"),
    ],
    ids=["utf-16", "gb18030", "utf-8 with mark", "latin"],
)
def test_encodings_are_told_apart(tl_home: Path, data: bytes, text: str):
    assert corpus.ingest([("a.txt", data)], name="a").text == text


@pytest.mark.parametrize(
    "data",
    [b"", b" \n\t ", bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 50, b"PK\x03\x04 not a zip"],
    ids=["empty", "spaces", "all bytes", "picture", "broken zip"],
)
def test_what_is_no_text_is_refused_with_the_reason(tl_home: Path, data: bytes):
    with pytest.raises(UserError, match="There is no text in it") as caught:
        corpus.ingest([("it.txt", data)], name="it")
    assert "Paste text" in str(caught.value.remedy)
    assert corpus.corpora() == [] and not list((tl_home / "texts").iterdir())


def test_too_much_is_refused(tl_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match="larger than"):
        corpus.ingest([("a.txt", b"a" * 600), ("b.txt", b"b" * 600)], name="ab")
    bomb = corpus.ingest([("x.zip", _zip(**{"big.txt": b"z" * 5000, "ok.txt": b"fine"}))], name="x")
    assert bomb.text == "fine" and "too large" in str(bomb.rejected[0][1])


def test_the_split_is_contiguous_and_loses_nothing(tl_home: Path):
    made = corpus.ingest([("a.txt", STORY.encode()), ("b.txt", STORY.upper().encode())], name="two")
    training, validation = corpus.split(made, 0.25)
    halves = [STORY, STORY.upper()]
    for half in halves:
        paragraphs = half.split("\n\n")
        inside = [p in training for p in paragraphs]
        assert inside == sorted(inside, reverse=True)  # first all of the one part, then all of the other
        assert all((p in training) != (p in validation) for p in paragraphs)
        assert sum(inside) == pytest.approx(45, abs=2)
    assert corpus.split(made, 0.0)[1] == ""


def test_the_report_counts_what_it_says(tl_home: Path, bpe):
    text = STORY + "\n\n" + STORY[:74] + "\n\n狐狐 ok"
    found = corpus.report(corpus.paste(text, name="odd"), bpe, validation=0.1)
    training, validation = corpus.split(corpus.corpora()[0], 0.1)
    assert found.training_tokens == len(tokenizer.encode(bpe, training))
    assert found.validation_tokens == len(tokenizer.encode(bpe, validation)) > 0
    assert [(item.character, item.count, item.tokens) for item in found.unknown] == [("狐", 2, 6)]
    assert [(item.count, item.across) for item in found.duplicates] == [(2, True)]
    assert any("both parts" in str(warning) for warning in found.warnings)


def test_a_short_text_and_a_foreign_one_are_warned_of(tl_home: Path, bpe):
    found = corpus.report(corpus.paste("从前有一个国王，他有三个儿子。", name="short"), bpe)
    warnings = " ".join(map(str, found.warnings))
    assert "by heart" in warnings and "this model's tokenizer does not know" in warnings


NOVEL = "\n\n".join(
    f"\u201cDon\u2019t go,\u201d said fox number {n}\u2014and so\u2026 they went to hill {n}." for n in range(90)
)


def test_straightening_saves_what_typographic_characters_cost_and_leaves_the_text_as_it_is(tl_home: Path, bpe):
    made = corpus.paste(NOVEL, name="novel")
    printed, straight = (corpus.report(made, bpe, straighten=straighten) for straighten in (False, True))
    assert {item.character for item in printed.unknown} == set("\u201c\u201d\u2019\u2014\u2026")
    assert sum(item.tokens for item in printed.unknown) == 3 * 5 * 90
    assert any("only spell characters" in str(warning) for warning in printed.warnings)
    assert (printed.typographic, straight.typographic) == (5 * 90, 0)
    assert not straight.unknown and not any("only spell" in str(warning) for warning in straight.warnings)
    assert straight.tokens <= printed.tokens - 5 * 90
    for before, after in zip(corpus.split(made, 0.1), corpus.split(made, 0.1, straighten=True), strict=True):
        assert after == typography.straightened(before) != before
        assert '"Don\'t go," said fox' in after and "--and so... they" in after
    assert made.text == NOVEL


def test_straightening_twice_changes_nothing_more_and_touches_nothing_else():
    odd = "".join(typography.PLAIN.values()) + "caf\u00e9 \u00ab\u72d0\u00bb 'plain' -- \"text\"..."
    once = typography.straightened(odd)
    assert typography.straightened(once) == once and typography.typographic(once) == 0
    assert once.endswith("caf\u00e9 \u00ab\u72d0\u00bb 'plain' -- \"text\"...")


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ("\n\n".join(["The same paragraph, told again and again to the same king."] * 500), 499),
        ("\n".join(["All work and no play."] * 200), 199),
        ("Exeunt.\n\n" + "\n\n".join(f"King {n} came home to hill {n}." for n in range(99)) + "\n\nExeunt.", 0),
        ("\n\n".join(f"A king of {n} hills\nand his {n} sons\nwho all were kind" for n in range(50)), 0),
    ],
    ids=["paragraphs", "lines", "stage directions", "verses"],
)  # fmt: skip
def test_every_repeated_passage_counts(tl_home: Path, bpe, text: str, repeated: int):
    found = corpus.report(corpus.paste(text, name="again"), bpe)
    assert found.repeated == repeated
    assert any("both parts" in str(warning) for warning in found.warnings) == bool(repeated)


def test_a_text_that_does_not_fill_a_window_is_not_said_to_be_learned_by_heart(tl_home: Path, bpe):
    found = corpus.report(corpus.paste("Five words make no story.", name="five"), bpe, context=128)
    assert "too short to train on" in str(found.warnings[0]) and "129" in str(found.warnings[0])
    assert not any("by heart" in str(warning) for warning in found.warnings)


@pytest.mark.parametrize("kind", list(grammar.GRAMMARS))
def test_grammars_write_long_varied_texts_and_the_same_for_a_seed(kind: str):
    first = grammar.write(kind, seed=1)
    assert first == grammar.write(kind, seed=1) != grammar.write(kind, seed=2)
    paragraphs = first.strip().split("\n\n")
    assert len(paragraphs) == len(set(paragraphs))
    assert len(first) > 50_000 and "{" not in first and "}" not in first


def test_samples_without_a_network(tl_home: Path, monkeypatch: pytest.MonkeyPatch):
    assert "Ingredients" in samples.bring_in("recipes").text
    monkeypatch.setenv("TL_BOOKS_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("tl_core.base.download.PAUSE", 0.01)
    with pytest.raises(UserError, match="could not be downloaded") as caught:
        samples.bring_in("sherlock")
    assert "needs none" in str(caught.value.remedy)
    with pytest.raises(UserError, match="no sample text called nonsense"):
        samples.bring_in("nonsense")


@pytest.mark.parametrize("fault", [None, "cut", "page"])
def test_a_book_is_used_only_when_it_is_whole(tl_home: Path, monkeypatch: pytest.MonkeyPatch, fault: str | None):
    book = (
        "\ufeffThe Project Gutenberg eBook of X\r\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\r\n\r\n"
        "To Sherlock Holmes she is always the woman.\r\n\r\n*** END OF THE PROJECT GUTENBERG EBOOK X ***\r\nLicence\r\n"
    ).encode()
    served = {None: book, "cut": book[:150], "page": b"<html>Please sign in</html>"}[fault]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/cache/epub/1661/pg1661.txt"
            self.send_response(200)
            self.send_header("Content-Length", str(len(served)))
            self.end_headers()
            self.wfile.write(served)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TL_BOOKS_URL", f"http://127.0.0.1:{server.server_port}")
    try:
        if fault:
            with pytest.raises(UserError, match="not the book, or not the whole"):
                samples.bring_in("sherlock")
            assert not list((tl_home / "books").glob("*.txt"))
        else:
            heard = []
            made = samples.bring_in("sherlock", emit=heard.append)
            assert made.text == "To Sherlock Holmes she is always the woman." and heard
    finally:
        server.shutdown()
        server.server_close()


def test_the_projects_own_lessons_are_a_sample(tl_home: Path, bpe):
    made = samples.bring_in("lesson", called="Lektionen")
    assert made.name == "Lektionen" and "freeze boundary" in made.text
    found = corpus.report(made, bpe)
    assert not found.duplicates
    assert len(made.text.split()) > 3000


def test_a_zip_cannot_unpack_more_than_may_be_taken(tl_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "MAX_BYTES", 10_000)
    many = {f"{n:02}.txt": b"\0" * 4000 for n in range(20)} | {"a.txt": b"fine"}  # packed, a few hundred bytes
    made = corpus.ingest([("bomb.zip", _zip(**many))], name="bomb")
    reasons = [str(reason) for _file, reason in made.rejected]
    assert made.text == "fine" and sum("too large" in reason for reason in reasons) == 18
    monkeypatch.setattr(files, "MAX_FILES", 5)
    with pytest.raises(UserError, match="There is no text") as caught:
        corpus.ingest([("bomb.zip", _zip(**many))], name="bomb")
    assert "more than 5 files" in str(caught.value.remedy)


def test_hostile_names_in_a_zip_are_only_names(tl_home: Path):
    made = corpus.ingest([("x.zip", _zip(**{"../../../evil.txt": b"once", "/etc/passwd.txt": b"upon"}))], name="x")
    assert sorted(document.name for document in made.documents) == ["../../../evil.txt", "/etc/passwd.txt"]
    assert sorted(path.name for path in tl_home.rglob("*") if path.is_file()) == ["corpus.json", "text.txt"]
