"""Keypoint attention: the points of one picture ask those of another, by linear attention.

    phi(x) = elu(x) + 1        i a point of the first picture, j a point of the second
    A_ij = phi(q_i).phi(k_j) / (sum_l phi(q_i).phi(k_l) + 1e-6)

Matching asks for every keypoint of one picture which keypoint of another shows the same thing. There are thousands
of points in each, in no order, and layer after layer asks in both directions. Softmax costs N S; the product of
features costs N + S. The map is the rectangle that later becomes a table of matches.

Gained: both pictures at linear cost, with any number of points in each.
Lost: rank A <= D, so at most D independent ways to match, and no row concentrates: elu + 1 keeps every point at some
weight. Suwanwimolkul and Komorita, 2022, arXiv 2204.07731, add local information around the points. No public code
of their local term exists, so linviz names it and does not invent it.

Cost: O((N + S) D E) time, O(D E) memory.   Rank: at most D.
Katharopoulos et al., 2020, arXiv 2006.16236, as used between pictures by LoFTR, Sun et al., 2021, arXiv 2104.00680:
its code divides v by S and multiplies the output by S, so that sums stay small in half precision; linviz sums in
float32.
"""
from .linear import Linear


class Keypoint(Linear):
    """phi(x) = elu(x) + 1, between two sets of points."""

    name, title = "keypoint", "keypoint (elu + 1)"
    paper = "Sun et al., 2021, arXiv 2104.00680"
    cost, rank, year, after = "N D E + S D E", "D", 2021, "linear"
    takes_causal = False
