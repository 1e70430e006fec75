"""What a page says of a backbone: what it is, and what the weights beside it know."""

from pages.ui.i18n import _, together
from pages.ui.markdown import sentence
from tl_core.images.pretrained import weights
from tl_core.images.pretrained.backbones import Backbone


def described(row: Backbone, source: str) -> str:
    """A sentence on the network and one on its weights, as Markdown; a figure belongs to the weights it stands beside.

    Args:
        source: what the weights are called in a config: one of `SOURCES`, or the path of a file.
    """
    known = {
        "imagenet": _("With its ImageNet weights it has {top1} % of ImageNet's validation pictures right.").format(
            top1=f"{row.imagenet_top1:.1f}"
        ),
        "bundled": own_sentence(row),
        "patterns": _("These weights only ever saw drawn patterns: a wrong source, for comparison."),
        "random": _("Its weights are random: it has never seen a picture."),
    }
    said = known.get(source, _("Its weights come from your file."))
    return together(sentence(row.description), said, f"[{_('Paper')}, {row.year}]({row.paper})")


def own_sentence(row: Backbone) -> str:
    """What this project's own weights are worth, from their card; empty where there are none."""
    path = row.bundled_file("bundled")
    if path is None:
        return ""
    card = weights.card(path)
    looks = card["transfer"]["independent"]["results"]
    return _(
        "These weights never saw ImageNet as a whole: this project pretrained them on {pictures} small pictures. "
        "Frozen, they have {flowers} % of five kinds of flowers right, and {pets} % of cats and dogs (photographs that "
        "no choice was made by): a smaller, weaker source, for comparison."
    ).format(
        pictures=f"{sum(item['pictures'] for item in card['data']):,}",
        flowers=f"{100 * looks[0]['mean']:.1f}",
        pets=f"{100 * looks[1]['mean']:.1f}",
    )
