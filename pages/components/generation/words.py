"""The sentences of the text that is written and of its inside, for the components that draw them."""

from pages.ui.i18n import _
from tl_core.base.processes import WATTS, cores


def words() -> dict[str, str | int]:
    """By the names that the components' JavaScript uses; {names} in braces are filled in there."""
    return {
        "writing": _("Writing…"),
        "progress": _("{n} of {length} tokens."),
        "pause": _("Pause"),
        "stop": _("Stop"),
        "stopping": _("Stopping…"),
        "paused": _("Paused."),
        "onward": _("Go on"),
        "longer": _("Let it go on"),
        "step": _("One token"),
        "another": _("Write another one"),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "refused": _("Copying is not allowed"),
        "save": _("Save"),
        "back": _("Back to the text before"),
        "count": _("{n} tokens."),
        "speed": _("The model needed {seconds} s in all and, once it was going, wrote {speed} tokens a second."),
        "energy": _(
            "Energy: about {joules} J, estimated from these seconds at {watts} W (all processor cores busy). It may be "
            "half or twice as much; memory, screen and graphics processor are not counted."
        ).replace("{watts}", str(WATTS * cores())),
        "watts": WATTS * cores(),
        "end": _("The model ended the text itself."),
        "colour": _("Colour by"),
        "probability": _("Probability"),
        "rank": _("Rank"),
        "none": _("Nothing"),
        "sample": _("Sample {n}"),
        "text": _("The text, token by token. Arrow keys go from one to the next."),
        "prompt": _("The prompt, token by token. Arrow keys go from one to the next."),
        "piece": _("token {n} of the prompt, number {id} of the vocabulary"),
        "piece_token": _("Prompt token {n}"),
        "id": _("number {id}"),
        "first": _("Nothing stands before the first token, so the model predicted nothing here."),
        "circle": _("From token {start} on the text goes round in a circle of {size} tokens (marked with ↻)."),
        "left": _("From token {start} to {end} it goes round in a circle of {size} tokens, then it finds a way out."),
        "greedy": _("Greedy writing always takes the likeliest token: the same words bring the same words again."),
        "surer": _("Each round makes it surer: {first} a token on average in the first, {last} in the last."),
        "straight": _("It has not fallen into a circle so far; greedy texts often do later."),
        "beams": _("The texts that are kept, the likeliest first, with their log-probability"),
        "next": _("Next token"),
        "blocks": _("Block by block"),
        "attention": _("Attention"),
        "token": _("Token {n}"),
        "facts": _("probability {probability}, rank {rank}"),
        "newest": _("Follow the newest"),
        "live": _("As the settings above would have it now; the text was written with others."),
        "next_reading": _(
            "Upper bar: what the network itself says. Lower bar: after the settings, which left {kept} of {all} tokens."
        ),
        "plain_reading": _("What the network says."),
        "take": _("Click a row to write on with that token."),
        "greedy_reading": _("Greedy takes the first row, however close the others are."),
        "written": _("written"),
        "cut": _("cut"),
        "row": _("{token}: {before} before, {after} after the settings. Write on with it."),
        "blocks_reading": _("What the network would say if it ended after that block."),
        "blocks_are": _(
            "In a block every token first gathers from the tokens before it (attention), then is worked on by itself "
            "(feed-forward)."
        ),
        "embeddings": _("the token and its place, no block yet"),
        "nth": _("block {n} of {of}"),
        "first_choice": _("{token} is the first choice from {block} on."),
        "no_choice": _("{token} is not the first choice in the end: a less likely token was drawn."),
        "block": _("Block"),
        "head": _("Attention head"),
        "says": _("It would say"),
        "chance": _("Probability of {token}"),
        "attention_reading": _(
            "Where this head looked when {token} was chosen; strong colour is much. Most at {most} ({share})."
        ),
        "grid_reading": _("In the squares each row is a token and each column one that it could look at."),
        "grid": _("Attention of head {head} of block h.{block} among the last {n} tokens"),
        "looks": _("{from} looks at {to}: {share}"),
        "all_heads": _("All heads at a glance, a row for each block. Choose one."),
        "one_head": _("Block h.{block}, head {head}"),
        "resting": _("A head that finds nothing it is looking for rests on the first token."),
        "parts": _("Switch off"),
        "parts_are": _("Click a head or a whole block to switch it off: a head then gives zeros, a block is skipped."),
        "reset": _("All on again"),
        "switch_off": _("Switch off: {part}"),
        "a_block": _("block h.{block}"),
        "a_head": _("head {head} of h.{block}"),
        "several_parts": _("{n} parts"),
        "nothing_off": _("Nothing is off: these are the likeliest next tokens of the whole network."),
        "parts_reading": _(
            "Grey: the whole network. Orange: without {parts}. Its likeliest token {token} goes from {before} to "
            "{after}: {points} points of probability."
        ),
        "still_first": _("{token} is still the likeliest."),
        "now_first": _("Now the likeliest is {token}."),
        "redundant": _(
            "Where little changes without a head, other heads do its work as well: many are redundant ({paper})."
        ),
        "influence": _("Influence"),
        "occlusion": _(
            "Occlusion: each token is hidden in turn (the average of all tokens' embeddings stands in its place) and "
            "the network is asked again. What is coloured is by how much the probability of {token} falls without it, "
            "in points. Tokens work together, so this is a hint, no proof."
        ),
        "hiding": _("Hiding one token after another: {done} of {total}"),
        "influence_reading": _(
            "Blue speaks for {token}, orange against it. Most for it speaks {most}: without it, {points} points less."
        ),
        "no_token_decides": _(
            "No single token decides: without any one of them the probability of {token} stays nearly the same."
        ),
        "later": _("This was not recorded as the text was written. It is looked up when the writing has ended."),
        "looking": _("Looking inside…"),
        "gone": _("This text is no longer kept. Write it again."),
        "offline": _("The server does not answer; trying again…"),
    }
