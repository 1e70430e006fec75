"""Texts that the project writes itself: seeded grammars of an unmistakable style, for a machine without a network.

A rule offers alternatives; `{name}` in one is replaced by another rule's choice, `{n:low-high}` by a number.
"""

import random
import re
from collections.abc import Mapping

WEATHER: Mapping[str, tuple[str, ...]] = {
    "start": (
        "{heading}\n{summary} {wind} {temperature}\n{outlook}",
        "{heading}\n{summary} {temperature} {wind}\n{warning}\n{outlook}",
        "{heading}\n{wind} {summary} {temperature}\n{outlook}",
    ),
    "heading": (
        "WEATHER REPORT FOR {area}, {day}, {n:1-28} {month}.",
        "FORECAST, {area}, ISSUED {day} AT {n:4-11} A.M.",
        "{area}: OUTLOOK FOR {day}.",
    ),
    "area": (
        "THE NORTHERN HILLS", "THE WESTERN COAST", "THE INLAND VALLEYS", "THE ISLANDS", "THE CAPITAL",
        "THE EASTERN PLAIN", "THE LAKE DISTRICT", "THE SOUTHERN PORTS", "THE MOUNTAIN PASSES",
    ),
    "day": ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"),
    "month": (
        "JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER",
        "DECEMBER",
    ),
    "summary": (
        "Cloud will increase from the {side}, with {rain} by {time}.",
        "Mainly dry and {sky}, with {rain} later over {place}.",
        "A {front} crosses the region during the {time}, bringing {rain}.",
        "High pressure over {place} keeps the day {sky}.",
        "{rain_capital} will clear to the {side} by {time}, leaving a {sky} {time}.",
    ),
    "rain": (
        "light rain", "scattered showers", "heavy rain in places", "a little drizzle", "sleet on higher ground",
        "snow above {n:4-9}00 metres", "thundery showers",
    ),
    "rain_capital": ("Early fog", "Overnight rain", "Patchy drizzle", "Morning mist", "A band of showers"),
    "sky": ("bright", "partly cloudy", "clear", "overcast", "hazy", "sunny"),
    "front": ("cold front", "warm front", "weak trough", "deep low", "slow-moving front"),
    "side": ("west", "north", "south-west", "east", "north-east"),
    "time": ("morning", "midday", "afternoon", "evening", "night"),
    "place": ("the coast", "the uplands", "the valleys", "the northern counties", "the city", "the open sea"),
    "wind": (
        "Wind {side}, force {n:2-8}, {change} by {time}.",
        "Winds light and variable, becoming {side} force {n:2-6}.",
        "Gusts of up to {n:4-10}0 kilometres an hour along {place}.",
        "Wind {side}, {n:1-6}5 kilometres an hour, {change} later.",
    ),
    "change": ("increasing", "decreasing", "veering west", "backing south", "steady"),
    "temperature": (
        "Maximum {n:8-31} degrees, minimum {n:-3-7} degrees.",
        "Temperatures between {n:1-9} and {n:10-27} degrees.",
        "Highs near {n:9-30} degrees; ground frost in {place}.",
        "Sea temperature {n:7-19} degrees; air {n:8-28} degrees by {time}.",
    ),
    "warning": (
        "Warning: {rain} may cause flooding in {place}.",
        "Warning: ice on untreated roads before {time}.",
        "Small craft are advised to stay in harbour until {time}.",
        "Visibility below {n:1-9}00 metres in {place}.",
    ),
    "outlook": (
        "Outlook: {sky} at first, then {rain}. Pressure {n:98-103}{n:0-9} hectopascals and {trend}.",
        "Further outlook: {rain} and {sky} spells. Humidity {n:45-96} per cent.",
        "Tomorrow: {sky}, with {rain} in the {time}. Pressure {trend}.",
        "Outlook for the week: unsettled in {place}, {sky} elsewhere.",
    ),
    "trend": ("falling", "rising", "steady", "falling slowly", "rising rapidly"),
}  # fmt: skip

RECIPES: Mapping[str, tuple[str, ...]] = {
    "start": (
        "{TITLE}\nServes {n:2-8}. Time: {n:2-9}5 minutes.\n\nIngredients:\n{item}\n{item}\n{item}\n{item}\n{item}\n\n"
        "Method:\n1. {first}\n2. {then}\n3. {then}\n4. {last}",
        "{TITLE}\nServes {n:2-8}. Time: {n:2-9}5 minutes.\n\nIngredients:\n{item}\n{item}\n{item}\n{item}\n\n"
        "Method:\n1. {first}\n2. {then}\n3. {last}\n\nTip: {tip}",
    ),
    "TITLE": (
        "{Style} {main} with {side}", "{main} and {side} {form}", "{Style} {form} of {main}",
        "Grandmother's {main} {form}", "Quick {main} {form}",
    ),
    "Style": ("Roasted", "Spiced", "Creamy", "Baked", "Smoked", "Country", "Sweet", "Braised"),
    "main": (
        "pumpkin", "chicken", "lentil", "mushroom", "apple", "potato", "salmon", "chickpea", "carrot", "pear", "leek",
        "tomato", "barley",
    ),
    "side": ("ginger", "walnuts", "thyme", "lemon", "brown butter", "sage", "honey", "garlic", "almonds", "cinnamon"),
    "form": ("soup", "pie", "stew", "salad", "cake", "gratin", "risotto", "dumplings", "casserole"),
    "item": (
        "- {n:1-6}00 g {main}", "- {n:1-4} tablespoons of {fat}", "- {n:1-3} onions, {cut}",
        "- {n:1-5} cloves of garlic, {cut}", "- {n:1-9}50 ml {liquid}", "- {n:1-3} teaspoons of {spice}",
        "- {n:2-4} eggs", "- a handful of {herb}, {cut}", "- a pinch of {spice}", "- {n:1-4}50 g flour",
    ),
    "fat": ("olive oil", "butter", "sunflower oil", "cream"),
    "cut": ("finely chopped", "sliced", "diced", "grated", "roughly torn"),
    "liquid": ("vegetable stock", "milk", "water", "white wine", "coconut milk", "cream"),
    "spice": ("salt", "black pepper", "paprika", "cumin", "nutmeg", "sugar", "ground coriander"),
    "herb": ("parsley", "dill", "basil", "chives", "coriander", "mint"),
    "first": (
        "Heat the {fat} in a large pan and fry the onions for {n:3-9} minutes until {done}.",
        "Preheat the oven to {n:16-22}0 degrees and butter a baking dish.",
        "Wash the {main}, pat it dry and cut it into {n:1-3} cm pieces.",
        "Whisk the eggs with the {liquid} and a pinch of {spice}.",
    ),
    "then": (
        "Add the {main} and the {spice}, and stir for {n:2-6} minutes.",
        "Pour in the {liquid}, bring to the boil and simmer for {n:1-4}0 minutes.",
        "Fold in the flour spoon by spoon until the dough is {done}.",
        "Season with {spice} and {spice}, then cover with a lid.",
        "Bake on the middle shelf for {n:2-5}5 minutes until {done}.",
    ),
    "done": ("golden", "soft", "smooth", "translucent", "crisp", "just set"),
    "last": (
        "Sprinkle with {herb} and serve at once.", "Leave to rest for {n:5-15} minutes, then serve with {side}.",
        "Blend until smooth, stir in the {fat} and serve hot.", "Cool on a rack, dust with {spice} and slice.",
    ),
    "tip": (
        "replace the {main} with {main} if you like.", "it keeps for {n:2-5} days in the refrigerator.",
        "a spoonful of {fat} makes it richer.", "toast the {spice} in a dry pan first.",
    ),
}  # fmt: skip

GRAMMARS = {"weather": WEATHER, "recipes": RECIPES}


def write(kind: str, seed: int = 0, texts: int = 300) -> str:
    """So many texts of one kind ("weather" or "recipes"), parted by empty lines; the same for the same seed.

    No paragraph comes twice: what is validated on was not trained on.
    """
    generator = random.Random(f"{kind} {seed}")
    written, paragraphs = [], set()
    while len(written) < texts:
        text = _chosen(GRAMMARS[kind], "start", generator)
        own = text.split("\n\n")
        if paragraphs.isdisjoint(own):
            paragraphs.update(own)
            written.append(text)
    return "\n\n".join(written) + "\n"


def _chosen(grammar: Mapping[str, tuple[str, ...]], rule: str, generator: random.Random) -> str:
    def replaced(match: re.Match[str]) -> str:
        name, low, high = match.group(1), match.group(2), match.group(3)
        return str(generator.randint(int(low), int(high))) if low else _chosen(grammar, name, generator)

    text = re.sub(r"\{(\w+)(?::(-?\d+)-(\d+))?\}", replaced, generator.choice(grammar[rule]))
    return text[0].upper() + text[1:] if rule in ("TITLE", "tip") else text
