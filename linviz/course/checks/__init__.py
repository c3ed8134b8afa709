"""Every exercise's check by its name: `checks.features(features)` judges your function.

>>> from linviz.course import checks
>>> checks.features(lambda x: x.relu())
✗ Exercise 13.1: not yet.
  a channel at -2.22 should give just the floor, 1/sqrt(5) = 0.447; yours gives 0.000
  This is exactly what one gets without the floor.
"""
from .e13_1_features import features
from .e13_2_fixation import fixation
from .e13_3_gated_attention import gated_attention
from .e13_4_entropy_at import entropy_at
from .e13_5_cancelling import cancelling

ALL = {exercise.name: exercise for exercise in (features, fixation, gated_attention, entropy_at, cancelling)}

__all__ = ["ALL", "cancelling", "entropy_at", "features", "fixation", "gated_attention"]
