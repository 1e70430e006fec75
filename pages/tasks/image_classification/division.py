"""How pictures are divided for training, as their page shows and changes it."""

import streamlit as st

from pages.components.class_table import ClassRow, class_table
from pages.tasks.image_classification import consequences, settings
from pages.ui.i18n import _, together
from pages.ui.markdown import problem
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.report import DatasetReport


def split(dataset: Dataset, seen: DatasetReport) -> consequences.Pictures:
    """How the pictures would be divided: adjustable here as on the Train page."""
    given = {"validation": any(count.validation for count in seen.classes)}
    given["test"] = any(count.test for count in seen.classes)
    names = list(settings.FIELDS.group("split"))
    for name, column in zip(names, st.columns(len(names), gap="medium"), strict=True):
        settings.FIELDS.draw(name, column, disabled=given.get(name, False))
    divided = consequences.pictures(
        dataset.id,
        settings.get("validation") / 100,
        settings.get("test") / 100,
        settings.get("split_seed"),
        settings.get("per_class"),
    )
    if divided.problem:
        st.warning(problem(divided.problem), icon=":material/warning:")
        return divided
    rows = [
        ClassRow(name, [("train", training), ("validation", validation), ("test", test)])
        for name, training, validation, test in zip(
            divided.classes, divided.training, divided.validation, divided.test, strict=True
        )
    ]
    headings = [("train", _("Training")), ("validation", _("Validation")), ("test", _("Test"))]
    class_table(rows, headings, label=_("Pictures of each class in each part"), key="view_split")
    if seen.parts:
        st.caption(
            together(
                _("The folders bring their own split: pictures under train, validation or test stay there."),
                _("Only a part that they lack is drawn at random, class by class."),
            )
        )
    else:
        st.caption(
            _("Drawn at random, class by class, so that each part has the same mix; copies of a picture stay together.")
        )
    return divided
