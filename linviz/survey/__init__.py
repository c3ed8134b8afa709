"""Many clips at once: every clip x layer x head x mechanism into one table, in this process or on Dask.

    table = linviz.survey("videos/", "softmax", "relu_floor+gate")    # a DataFrame; `linviz survey` writes a file
    clip_survey     the steps of a survey           task_runner     one after the other, or on a cluster
    clip_rows       the numbers of one clip         survey_columns  the columns and their units
    survey_table    the table as a Parquet file     survey_spread   distributions per layer and head

The package itself can be called: `linviz.survey(...)` is `clip_survey.survey_clips(...)`.
"""
from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class _Survey(ModuleType):
    """This package as a function: the class of a module may be set, as Python's data model says."""

    def __call__(self, *arguments: Any, **options: Any) -> pd.DataFrame:
        from .clip_survey import survey_clips
        return survey_clips(*arguments, **options)


sys.modules[__name__].__class__ = _Survey
