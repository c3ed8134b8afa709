"""Points on a circle and the random planes that hash them: one colour and one marker for each bucket.

Nothing is computed here. The directions of the hash are drawn as lines from the middle.
"""
from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from . import theme

MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "pentagon")
COLOURS = (*theme.HUES.values(), theme.OTHER_HUE)


def hash_circle(points: Sequence[tuple[float, float]], buckets: Sequence[int],
                directions: Sequence[tuple[float, float]], friends: tuple[int, int], *, said: str = "",
                title: str = "", dark: bool = False) -> go.Figure:
    """Points (x, y), their buckets, and the unit vectors of the buckets in order; two `friends` have a ring.

    >>> f = hash_circle([(1, 0), (0, 1)], [0, 1], [(1, 0), (0, 1)], (0, 1))
    >>> [trace.name for trace in f.data if trace.name]
    ['bucket 1', 'bucket 2', 'the two friends']
    """
    if not directions or max(buckets, default=0) >= min(len(directions), len(MARKERS)):
        raise ValueError(f"a bucket needs its direction, and there are {len(MARKERS)} markers; got {len(directions)} "
                         f"directions and bucket {max(buckets, default=0)}")
    fig = theme.empty_figure(f"{len(points)} points on a circle in {len(directions)} buckets. {said}".strip(), dark,
                             height=430, margin={"t": 90})
    line = theme.level_line(dark)
    for x, y in directions:
        fig.add_scatter(x=[0, 1.15 * x], y=[0, 1.15 * y], mode="lines", line=line, showlegend=False, hoverinfo="skip")
    for n in range(len(directions)):
        own = [p for p, bucket in zip(points, buckets, strict=True) if bucket == n]
        fig.add_scatter(x=[x for x, _ in own], y=[y for _, y in own], mode="markers", name=f"bucket {n + 1}",
                        hovertemplate=f"bucket {n + 1}<extra></extra>",
                        marker={"symbol": MARKERS[n], "color": COLOURS[n], "size": 11})
    ring = [points[i] for i in friends]
    fig.add_scatter(x=[x for x, _ in ring], y=[y for _, y in ring], mode="markers", name="the two friends",
                    hoverinfo="skip", marker={"symbol": "circle-open", "size": 21, "line": {"width": 2},
                                              "color": theme.INK[theme.mode_name(dark)]})
    fig.update_layout(title=theme.top_title(title),
                      xaxis={"title": "first channel of the unit vector", "range": [-1.25, 1.25], "zeroline": False,
                             "constrain": "domain"},
                      yaxis={"title": "second channel", "range": [-1.25, 1.25], "zeroline": False, "scaleanchor": "x",
                             "constrain": "domain"})
    return fig
