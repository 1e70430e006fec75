"""What the probes learn from: labelled texts, as a training does."""

from tl_core.tasks.text_classification import material

# what these ask of a config, this one has too
GONE = material.GONE
load, id, name, private = material.load, material.id, material.name, material.private
