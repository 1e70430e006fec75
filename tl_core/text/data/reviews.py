"""Reviews that the project writes itself from a seed, in English and Chinese, each praising or blaming.

Two things make them harder, and can be turned: *negation* ("not a good film at all" blames with a word that praises)
and *irony* ("Wonderful, another three hours of my life gone"), which only the rest of the sentence gives away. A mixed
review says something of the other side before it comes to its point.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.text.data import labelled
from tl_core.text.data.labelled import LabelledTexts
from tl_core.text.data.tables import Table

Language = Literal["en", "zh"]
TONES: Mapping[Language, tuple[str, ...]] = {
    "en": ("negative", "positive"),
    "zh": ("差评", "好评"),
}


@dataclass(frozen=True)
class Difficulty:
    """Shares of reviews, from 0 to 1, that are made in a way which single words do not give away."""

    negation: float = 0.25
    irony: float = 0.1
    mixed: float = 0.25


@dataclass(frozen=True)
class Words:
    """A language's words: by tone, blame first, then praise."""

    things: Sequence[str]  # what is reviewed
    aspects: Sequence[str]
    adjectives: tuple[Sequence[str], Sequence[str]]
    plain: Sequence[str]  # sentences with {thing}, {aspect} and {adjective} of the review's own tone
    negated: Sequence[str]  # with {adjective} of the other tone
    ironic: tuple[Sequence[str], Sequence[str]]
    turns: Sequence[str]  # {other} and {own} are what a mixed review says of two aspects
    endings: tuple[Sequence[str], Sequence[str]]
    join: str  # between sentences


ENGLISH = Words(
    things=("film", "phone", "restaurant", "novel", "hotel", "game", "camera", "concert", "lesson", "coat", "museum",
            "train ride", "bakery", "headset"),
    aspects=("the story", "the service", "the price", "the picture", "the sound", "the staff", "the food", "the room",
             "the ending", "the battery", "the music", "the design", "the plot", "the view", "the waiting time"),
    adjectives=(
        ("dull", "broken", "awful", "overpriced", "slow", "sloppy", "noisy", "boring", "rude", "disappointing", "cheap",
         "stale", "clumsy", "tedious"),
        ("wonderful", "sharp", "friendly", "delightful", "charming", "fast", "superb", "moving", "fresh", "clever",
         "excellent", "comfortable", "gripping", "bright"),
    ),
    plain=("{aspect} of this {thing} was {adjective}.", "I found {aspect} {adjective}.",
           "This {thing} is {adjective}, above all {aspect}.", "What {article} {adjective} {thing}!",
           "After a week with this {thing} I can say that {aspect} is {adjective}.",
           "My whole family found this {thing} {adjective}."),
    negated=("Nobody could call {aspect} {adjective}.", "{aspect} is anything but {adjective}.",
             "This {thing} is not {adjective} at all.", "I would never say that {aspect} was {adjective}.",
             "{aspect} has nothing {adjective} about it."),
    ironic=(
        ("Wonderful, another evening of my life that I will not get back.",
         "Great, it fell apart before I had left the shop.",
         "Lovely if you enjoy waiting an hour for cold soup.",
         "Brilliant idea to charge extra for a chair.",
         "A triumph, provided that you sleep through all of it."),
        ("Awful: now I have to buy one for everybody I know.",
         "Terrible for my sleep, I could not put it down.",
         "My only complaint is that it had to end.",
         "A disaster for my diet, I went back three times.",
         "Dreadful news for all the others: I will never go elsewhere."),
    ),
    turns=("{other} But {own}", "{other} Still, {own}", "{other} And yet {own}"),
    endings=(("I want my money back.", "Never again.", "Do not waste your time.", "I left early.", ""),
             ("I would come back at any time.", "Highly recommended.", "Worth every penny.", "I told my friends.", "")),
    join=" ",
)  # fmt: skip
CHINESE = Words(
    things=("电影", "手机", "餐厅", "小说", "酒店", "游戏", "相机", "演唱会", "课程", "外套", "博物馆", "面包店",
            "耳机"),
    aspects=("剧情", "服务", "价格", "画面", "音质", "店员", "味道", "房间", "结局", "电池", "配乐", "设计",
             "景色", "等候时间"),
    adjectives=(
        ("无聊", "糟糕", "粗糙", "吵闹", "失望", "昂贵", "缓慢", "难吃", "冷淡", "陈旧", "笨重", "敷衍"),
        ("精彩", "出色", "贴心", "迷人", "感人", "实惠", "流畅", "美味", "热情", "新颖", "轻巧", "用心"),
    ),
    plain=("这{thing}的{aspect}很{adjective}。", "{aspect}让人觉得{adjective}。", "用了一周，{aspect}确实{adjective}。",
           "全家人都觉得这{thing}{adjective}。", "整体来说{adjective}，尤其是{aspect}。"),
    negated=("{aspect}一点也不{adjective}。", "谁也不会说{aspect}{adjective}。", "这{thing}跟{adjective}完全不沾边。",
             "{aspect}谈不上{adjective}。"),
    ironic=(
        ("真精彩，一晚上的时间就这样没了。", "太好了，还没出店门就坏了。", "喜欢等一小时喝凉汤的人一定会满意。",
         "连椅子都要加钱，真是贴心。"),
        ("糟糕，现在我得给每个朋友都买一个。", "对我的睡眠来说是场灾难，根本放不下。", "唯一的缺点就是它会结束。",
         "减肥计划全毁了，一周去了三次。"),
    ),
    turns=("{other}不过{own}", "{other}可是{own}", "{other}但{own}"),
    endings=(("我要退货。", "再也不会来了。", "别浪费时间。", "提前走了。", ""),
             ("还会再来。", "强烈推荐。", "物有所值。", "已经推荐给朋友了。", "")),
    join="",
)  # fmt: skip
WORDS: Mapping[Language, Words] = {"en": ENGLISH, "zh": CHINESE}


def write(language: Language, count: int, seed: int = 0, difficulty: Difficulty | None = None) -> list[tuple[str, str]]:
    """So many different reviews, half of each tone, as (text, label).

    Raises:
        ValueError: the grammar has not so many.
    """
    draw, words = random.Random(f"{language}-{seed}"), WORDS[language]
    difficulty = difficulty or Difficulty()
    reviews: dict[str, str] = {}
    misses = 0
    while len(reviews) < count:
        tone = len(reviews) % 2
        text = _review(draw, words, tone, difficulty)
        if text in reviews:
            misses += 1
            if misses > 50 * count:
                raise ValueError(f"there are no {count} different reviews")
            continue
        reviews[text] = TONES[language][tone]
    return list(reviews.items())


def bring_in(
    language: Language, count: int, seed: int, difficulty: Difficulty, *, name: str, owner: str = ""
) -> LabelledTexts:
    """Write so many reviews and keep them as labelled texts that everybody may read.

    Raises:
        UserError: the grammar has not so many.
    """
    try:
        lines = write(language, count, seed, difficulty)
    except ValueError as error:
        raise UserError(
            message("There are no {n} different reviews of this kind.", n=count),
            message("Ask for fewer, or for less irony."),
        ) from error
    table = Table(("1", "2"), tuple(enumerate(lines, 1)), (), 0, 1)
    return labelled.from_table(table, name=name, owner=owner, shared=True)


def _review(draw: random.Random, words: Words, tone: int, difficulty: Difficulty) -> str:
    thing = draw.choice(words.things)
    if draw.random() < difficulty.irony:
        opening = _say(draw, words, thing, tone, difficulty)
        return _joined(words, draw.choice(words.ironic[tone]), opening if draw.random() < 0.3 else "")
    own = _say(draw, words, thing, tone, difficulty)
    if draw.random() < difficulty.mixed:
        other = _say(draw, words, thing, 1 - tone, difficulty)
        own = _capital(draw.choice(words.turns).format(other=other, own=own[:1].lower() + own[1:]))
    second = _say(draw, words, thing, tone, difficulty) if draw.random() < 0.4 else ""
    return _joined(words, own, second, draw.choice(words.endings[tone]))


def _say(draw: random.Random, words: Words, thing: str, tone: int, difficulty: Difficulty) -> str:
    """A sentence of this tone, by a word of the other one where it is negated."""
    negated = draw.random() < difficulty.negation
    adjective = draw.choice(words.adjectives[1 - tone if negated else tone])
    pattern = draw.choice(words.negated if negated else words.plain)
    article = "an" if adjective[0] in "aeiou" else "a"
    aspect = draw.choice(words.aspects)
    return _capital(pattern.format(thing=thing, aspect=aspect, adjective=adjective, article=article))


def _joined(words: Words, *sentences: str) -> str:
    return words.join.join(sentence for sentence in sentences if sentence)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
