"""Random texts in chunks, compared, and summed up by set."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from dicomfilter.googlesql.parse.lexer import tokens
from tests.googlesql import published
from tests.googlesql.dicom import connect
from tests.googlesql.differential import UNFORGIVABLE, Comparison, Verdict, compare
from tests.googlesql.grammar import FAMILIES, PARAMETERS, Grammar
from tests.googlesql.narrow import narrowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CHUNK = 250
"""Texts of one seed."""
BAD = (*UNFORGIVABLE, Verdict.FAILED)
"""What must not come of any text."""
_SHARES = {"conditions": 11, "queries": 5, "mistaken": 3, "broken": 1}
PREDICATES, SELECTS, PUBLISHED = "predicates", "selects", "published"
GRAMMARS = (PREDICATES, SELECTS, PUBLISHED)
"""What texts are made of: conditions and queries over tables; whole SELECTs over queries; changes of
published queries."""
_ALIKE = 25
"""Changes of one published query that are compared over the same tables."""


@dataclass
class Tally:
    """What came of the texts of a set.

    Args:
        counts: How many of each verdict.
        bad: The comparisons with a verdict of `BAD`.
        refusals: Why texts were refused here only.
    """

    counts: Counter[Verdict] = field(default_factory=Counter)
    bad: list[Comparison] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def add(self, found: Comparison) -> None:
        """Count a comparison."""
        self.counts[found.verdict] += 1
        if found.verdict in BAD:
            self.bad.append(found)
        if found.verdict is Verdict.REFUSED:
            self.refusals[found.detail] += 1

    def join(self, other: Tally) -> None:
        """Add another tally to this one."""
        self.counts += other.counts
        self.bad += other.bad
        self.refusals += other.refusals

    @property
    def answered(self) -> float:
        """The share of answers, of the texts that BigQuery answers."""
        answered = self.counts[Verdict.SAME]
        return answered / max(1, answered + self.counts[Verdict.REFUSED])


def texts(
    seed: str, count: int = CHUNK, *, families: Sequence[str] = tuple(FAMILIES)
) -> Iterator[tuple[str, str]]:
    """Make texts, each with the set it belongs to."""
    grammar = Grammar(seed, families=families)
    chance = random.Random(seed)
    makers: dict[str, Callable[[], str]] = {
        "conditions": grammar.selection,
        "queries": grammar.query,
        "mistaken": lambda: mistaken(grammar.call(), grammar, chance),
        "broken": lambda: broken(chance.choice([grammar.selection, grammar.query])(), chance),
    }
    for _ in range(count):
        (name,) = chance.choices(list(_SHARES), weights=list(_SHARES.values()))
        yield name, makers[name]()


def run_chunk(
    seed: str,
    count: int = CHUNK,
    *,
    families: Sequence[str] = tuple(FAMILIES),
    grammar: str = PREDICATES,
) -> dict[str, Tally]:
    """Compare the texts of a seed.

    Args:
        seed: Any text; the same one gives the same texts.
        count: How many.
        families: As of `Grammar`.
        grammar: One of `GRAMMARS`.

    Returns:
        A tally a set.
    """
    if grammar == PUBLISHED:
        return {PUBLISHED: _published(seed, count)}
    if grammar == SELECTS:
        source = Grammar(f"selects {seed}", families=families, nested=True)
        made = [(SELECTS, source.query()) for _ in range(count)]
    else:
        made = list(texts(seed, count, families=families))
    tallies = {name: Tally() for name in (_SHARES if grammar == PREDICATES else (SELECTS,))}
    with connect() as connection, narrowed(sql for _, sql in made) as ask:
        for name, sql in made:
            tallies[name].add(compare(connection, sql, PARAMETERS, ask=ask))
    return tallies


def _published(seed: str, count: int) -> Tally:
    """Compare changes of published queries, each over the tables that it names."""
    tally, changes = Tally(), published.Mutations(f"published {seed}")
    for _ in range(-(-count // _ALIKE)):
        original, *made = changes.texts(min(count, _ALIKE))
        held = published.held(original)
        with connect(held) as connection, published.asked(held) as ask:
            for sql in made:
                tally.add(published.compared(connection, sql, held, ask))
    return tally


def broken(text: str, chance: random.Random) -> str:
    """Leave a token out, double it, or swap it with another."""
    words = [token.text for token in tokens(text)][:-1]
    place, other = chance.randrange(len(words)), chance.randrange(len(words))
    match chance.randrange(3):
        case 0:
            del words[place]
        case 1:
            words.insert(place, words[place])
        case _:
            words[place], words[other] = words[other], words[place]
    return " ".join(words)


def mistaken(text: str, grammar: Grammar, chance: random.Random) -> str:
    """Give a call an argument too few or too many, or another one."""
    words = [token.text for token in tokens(text)][:-1]
    calls = [n for n, word in enumerate(words[:-1]) if words[n + 1] == "(" and word.isupper()]
    if not calls:
        return text
    ends = _arguments(words, chance.choice(calls) + 1)
    start, end = chance.choice(list(pairwise(ends)))
    match chance.randrange(6):
        case 0 if len(ends) > 2:
            del words[start + (start == ends[0]) : end + (start == ends[0])]
        case 1:
            words[end:end] = [",", *words[start + 1 : end]]
        case _:
            words[start + 1 : end] = [grammar.other()]
    return " ".join(words)


def _arguments(words: list[str], opening: int) -> list[int]:
    """Find where the arguments of a call end: its parentheses, and the commas in it."""
    depth, ends = 0, [opening]
    for place in range(opening, len(words)):
        depth += (words[place] in "([") - (words[place] in ")]")
        if depth == 0 or (depth == 1 and words[place] == ","):
            ends.append(place)
        if depth == 0:
            break
    return ends


def reduced(sql: str, holds: Callable[[str], bool], *, tries: int = 200) -> str:
    """Leave out what is not needed for something to hold of a text.

    Args:
        sql: A text of which it holds.
        holds: Tells whether it holds of a shorter one.
        tries: How often to ask at most.

    Returns:
        A text of which it holds still.
    """
    words = [token.text for token in tokens(sql)][:-1]
    tail: list[str] = []
    if "LIMIT" in words and "ORDER" in words:  # which without all keys takes any rows
        end = max(place for place, word in enumerate(words) if word == "ORDER")
        words, tail = words[:end], words[end:]
        if holds(" ".join(words)):
            tail = []
    size = len(words) // 2
    while size:
        place = 0
        while place < len(words) and tries > 0:
            shorter = words[:place] + words[place + size :]
            tries -= 1
            if holds(" ".join(shorter + tail)):
                words = shorter
            else:
                place += max(1, size // 2)
        size //= 2
    return " ".join(words + tail)
