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
ENDED = 0.4  # share of the reviews that end with what their writer makes of it
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
        ("dull", "broken", "awful", "overpriced", "slow", "sloppy", "noisy", "boring", "rude", "disappointing",
         "cheap", "stale", "clumsy", "tedious", "ugly", "filthy", "bland", "lifeless", "confusing", "pointless",
         "shabby", "careless", "cramped", "greasy", "dreary", "annoying", "unreliable", "predictable", "shallow",
         "soulless", "soggy", "tasteless", "lukewarm", "flimsy", "faulty", "useless", "worthless", "pathetic",
         "mediocre", "miserable", "depressing", "irritating", "infuriating", "exhausting", "embarrassing",
         "insulting", "amateurish", "unbearable", "dreadful", "horrible", "terrible", "atrocious", "appalling",
         "hideous", "disgusting", "revolting", "rotten", "smelly", "sticky", "dirty", "dusty", "gloomy", "bleak",
         "chaotic", "messy", "muddled", "incoherent", "implausible", "far-fetched", "pretentious", "vulgar",
         "arrogant", "unfriendly", "unhelpful", "dismissive", "impatient", "dishonest", "misleading", "outdated",
         "rusty", "scratched", "fragile", "wobbly", "uncomfortable", "painful", "deafening", "shrill", "muffled",
         "blurry", "grainy", "washed-out", "lame", "lazy", "forgettable", "uninspired", "repetitive", "unfinished",
         "laughable", "ridiculous", "inedible", "burnt", "watery", "unpleasant"),
        ("wonderful", "sharp", "friendly", "delightful", "charming", "fast", "superb", "moving", "fresh", "clever",
         "excellent", "comfortable", "gripping", "bright", "beautiful", "spotless", "delicious", "lively", "clear",
         "brilliant", "elegant", "careful", "spacious", "crisp", "cheerful", "pleasant", "reliable", "surprising",
         "profound", "heartfelt", "juicy", "flavourful", "hearty", "sturdy", "flawless", "useful", "priceless",
         "impressive", "outstanding", "joyful", "uplifting", "soothing", "enchanting", "relaxing", "inspiring",
         "dignified", "masterful", "magnificent", "splendid", "fantastic", "terrific", "marvellous", "amazing",
         "gorgeous", "scrumptious", "mouth-watering", "exquisite", "fragrant", "smooth", "tidy", "polished", "sunny",
         "radiant", "well-organised", "neat", "thoughtful", "coherent", "convincing", "believable", "sincere",
         "tasteful", "humble", "welcoming", "helpful", "attentive", "patient", "honest", "trustworthy", "modern",
         "gleaming", "pristine", "robust", "solid", "cosy", "gentle", "melodious", "warm", "rich", "vivid",
         "detailed", "colourful", "witty", "diligent", "memorable", "original", "varied", "complete", "hilarious",
         "admirable", "tender", "crunchy", "refreshing", "lovely", "captivating", "generous", "touching", "stunning",
         "perfect", "first-rate", "exciting"),
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
    endings=(
        ("I want my money back.", "Never again.", "Do not waste your time.", "I left early.", "",
         "Save yourself the trouble.", "I have seldom regretted a purchase so much.",
         "We complained, and nobody listened.", "It is going straight back to the shop.", "I fell asleep halfway.",
         "My friends still tease me for having picked it.", "What a waste of an afternoon.",
         "One star is one too many.", "I cannot see who this is made for.", "Stay away.",
         "I shook my head all the way home.", "They should apologise.", "I expected so much more.",
         "Look for something else.", "It ended in the bin.", "We will not return.",
         "I asked for a refund the same day.", "Twenty minutes were enough for me.", "I feel cheated.",
         "Even for free I would refuse it."),
        ("I would come back at any time.", "Highly recommended.", "Worth every penny.", "I told my friends.", "",
         "Treat yourself to it.", "I have seldom been so glad about a purchase.",
         "We asked for more, and gladly got it.", "It has a place of honour at home now.",
         "I stayed awake until the very end.", "My friends still thank me for having picked it.",
         "What a way to spend an afternoon.", "Five stars are not enough.", "I can see everybody enjoying this.",
         "Go and see for yourself.", "I smiled all the way home.", "They should be proud.",
         "I had not expected half as much.", "Look no further.", "It became my favourite at once.",
         "We have already booked again.", "I bought a second one the same day.", "I could have gone on for hours.",
         "I feel spoiled.", "I would gladly have paid twice as much."),
    ),
    join=" ",
)  # fmt: skip
CHINESE = Words(
    things=("电影", "手机", "餐厅", "小说", "酒店", "游戏", "相机", "演唱会", "课程", "外套", "博物馆", "面包店",
            "耳机"),
    aspects=("剧情", "服务", "价格", "画面", "音质", "店员", "味道", "房间", "结局", "电池", "配乐", "设计",
             "景色", "等候时间"),
    adjectives=(
        ("无聊", "糟糕", "粗糙", "吵闹", "失望", "昂贵", "缓慢", "难吃", "冷淡", "陈旧", "笨重", "敷衍", "乏味",
         "拖沓", "混乱", "肮脏", "简陋", "油腻", "破旧", "刺耳", "模糊", "廉价", "虚假", "俗气", "沉闷", "拥挤",
         "难看", "难闻", "劣质", "脆弱", "卡顿", "啰嗦", "生硬", "老套", "空洞", "浮夸", "潦草", "傲慢", "粗鲁",
         "怠慢", "不堪", "差劲", "可笑", "荒唐", "压抑", "烦人", "折磨人", "倒胃口", "可疑", "邋遢", "外行", "虚伪",
         "无趣", "平庸", "单调", "令人生气", "令人尴尬", "令人后悔", "令人心烦", "令人犯困"),
        ("精彩", "出色", "贴心", "迷人", "感人", "实惠", "流畅", "美味", "热情", "新颖", "轻巧", "用心", "有趣",
         "紧凑", "有序", "干净", "精致", "清爽", "崭新", "悦耳", "清晰", "高档", "真诚", "优雅", "明快", "宽敞",
         "好看", "芳香", "优质", "结实", "顺畅", "简洁", "自然", "别致", "深刻", "朴实", "工整", "谦和", "友善",
         "周到", "完美", "一流", "可爱", "合理", "温馨", "舒心", "享受", "开胃", "可靠", "卫生", "专业", "诚恳",
         "好玩", "前卫", "独特", "令人高兴", "令人赞叹", "令人难忘", "令人放松", "令人振奋"),
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
    endings=(
        ("我要退货。", "再也不会来了。", "别浪费时间。", "提前走了。", "后悔买了它。", "投诉也没人理。",
         "看到一半就睡着了。", "一颗星都嫌多。", "不知道是做给谁的。", "大家千万别上当。", "回家路上一直叹气。",
         "当天就申请了退款。", "不如选别的。", "白白浪费一个下午。", "朋友都笑我选了这个。", "已经扔进垃圾桶了。",
         "期望越大失望越大。", "感觉被骗了。", "免费我也不要。"),
        ("还会再来。", "强烈推荐。", "物有所值。", "已经推荐给朋友了。", "庆幸买了它。", "提的要求都满足了。",
         "从头到尾毫无睡意。", "五颗星都嫌少。", "谁都会喜欢。", "大家赶快去试试。", "回家路上一直在笑。",
         "当天又买了一个。", "不用再看别的了。", "度过了愉快的下午。", "朋友都夸我会选。", "已经成了家里的宝贝。",
         "比期望的还要好。", "感觉赚到了。", "多花一倍的钱也愿意。"),
    ),
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
    ending = draw.choice(words.endings[tone]) if draw.random() < ENDED else ""
    return _joined(words, own, second, ending)


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
