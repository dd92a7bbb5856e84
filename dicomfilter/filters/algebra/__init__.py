"""Filter files as sets: union, intersection, difference, comparison, parts.

A line is a prefix: it stands for every instance under it, now and later. What can be told of the
lines alone is exact without metadata; where a part is taken out of a line, a table tells the rest.
Nothing here selects rows of a table, which is a cohort's business.
"""

from __future__ import annotations
