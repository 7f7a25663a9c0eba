"""`hotline evaluate`: how right the rules are on labelled files; one task a file, by the pipeline's own functions."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from hotline.quality.evaluate import deadlines, dispatch, duplicates, findings, masks, place
from hotline.quality.evaluate.figures import Figure
from hotline.quality.evaluate.labelled import Paths
from normalizers.rules import Rules

Task = Callable[[Paths, Rules], list[Figure]]
"""Reads labelled files, by a city's rules, and returns the figures.

Raises MisconfiguredError for an invalid file.
"""

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "duplicates": duplicates.measure,
        "kind": findings.kind,
        "category": findings.category,
        "emergency": findings.emergency,
        "place": place.measure,
        "confidentiality": findings.confidentiality,
        "minors": findings.minors,
        "acceptance": findings.acceptance,
        "dispatch": dispatch.measure,
        "deadlines": deadlines.measure,
        "masks": masks.measure,
    }
)

ModelTask = Callable[[Paths, Path, Rules], list[Figure]]

OF_MODELS: Mapping[str, ModelTask] = MappingProxyType(
    {"category": findings.category_model, "place": place.measure_model}
)
"""The tasks that a model of the city's own does: the second path is the model's, the third the city's rules."""
