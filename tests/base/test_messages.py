"""Sentences travel untranslated and are put together where they are shown."""

import json

from tl_core.base.messages import Message, message

GERMAN = {"{n} images": "{n} Bilder", "Choose one of: {names}.": "Wähle aus: {names}.", "roses": "Rosen", "": "KOPF"}


def translate(text: str) -> str:
    return GERMAN.get(text, text)


def test_values_are_filled_in_after_translation():
    assert message("{n} images", n=3).translated(translate) == "3 Bilder"
    assert str(message("{n} images", n=3)) == "3 images"


def test_messages_inside_messages_are_translated_too():
    sentence = message("Choose one of: {names}.", names=[message("roses"), "tulips", 3])
    assert sentence.translated(translate) == "Wähle aus: Rosen, tulips, 3."


def test_a_sentence_without_values_keeps_its_braces():
    assert str(message("Write {name} here")) == "Write {name} here"


def test_an_empty_sentence_is_empty_in_every_language():
    assert Message("").translated(translate) == ""


def test_json_round_trip_with_nested_messages_and_unicode():
    sentence = message("{first} {names}", first=message("{n} images", n=2), names=["花", message("roses")])
    again = Message.from_json(json.loads(json.dumps(sentence.to_json())))
    assert str(again) == str(sentence) == "2 images 花, roses"
    assert again.translated(translate) == "2 Bilder 花, Rosen"


def test_braces_in_values_are_left_alone():
    assert str(message("Not {what}", what="{x} %s")) == "Not {x} %s"


def test_unknown_keys_from_a_later_version_are_ignored():
    assert str(Message.from_json({"text": "a", "values": {}, "colour": "red"})) == "a"
