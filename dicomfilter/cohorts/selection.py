"""What is selected: a table's schema and ANDed clauses, as a pure and lazy value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Self

from dicomfilter.errors import ParameterError, UsageError
from dicomfilter.googlesql import check_condition
from dicomfilter.googlesql.pieces import conjunction
from dicomfilter.googlesql.types.parameters import Origin, Parameter
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from sqlglot import exp

    from dicomfilter.cohorts.ids.id_lists import IdList
    from dicomfilter.cohorts.statement import Statement
    from dicomfilter.paths import Level
    from dicomfilter.schema import TableSchema

_STRINGS = SqlType(Kind.ARRAY, SqlType(Kind.STRING))


@dataclass(frozen=True, slots=True)
class Clause:
    """One of the ANDed conditions of a selection.

    Args:
        label: The condition as the person wrote it, values included: for their own eyes, never
            for a log or a manifest.
        tree: The checked condition.
        parameters: What it binds.
        columns: The columns it reads, in the table's spelling.
        ids: The list of identifiers that it stands for, where it does.
        dated: The DATE column that it compares with today, where it stands for an age.
        lists: The lists among the clauses that it was joined from.
        statement: The SELECT whose rows it asks for, where it does.
        statements: The SELECTs among the clauses that it was joined from.
        value: What the list is compared with, where that is not one column.
        required: The columns by which it tells shares; a row without one stops a build.
    """

    label: str
    tree: exp.Expr
    parameters: tuple[Parameter, ...]
    columns: tuple[str, ...]
    ids: IdList | None = None
    dated: str | None = None
    lists: tuple[Clause, ...] = ()
    statement: Statement | None = None
    statements: tuple[Statement, ...] = ()
    value: exp.Expr | None = None
    required: tuple[str, ...] = ()

    @property
    def stated(self) -> tuple[Statement, ...]:
        """The SELECTs that it asks for: its own, or those of what it was joined from."""
        return self.statements if self.statement is None else (self.statement,)

    @property
    def listed(self) -> tuple[Clause, ...]:
        """The clauses of lists of identifiers: this one, or those it was joined from."""
        return self.lists if self.ids is None else (self,)


@dataclass(frozen=True, slots=True)
class Selection:
    """A table's rows that satisfy every clause.

    Args:
        schema: The table's columns.
        clauses: Conditions, ANDed; none selects every row.
        all_versions: Take every row as it is, superseded and deleted ones too.
    """

    schema: TableSchema
    clauses: tuple[Clause, ...] = ()
    all_versions: bool = False

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What the clauses bind, each name once."""
        return tuple({p.name: p for c in self.clauses for p in c.parameters}.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the clauses read, each once."""
        return tuple(dict.fromkeys(name for c in self.clauses for name in c.columns))

    @property
    def level(self) -> Level:
        """The finest level that is asked for: that of SELECTs, else of the table.

        A predicate beside a SELECT picks out rows, and so asks for the table's own.
        """
        asked = [clause.statement.level for clause in self.clauses if clause.statement]
        if len(asked) < max(1, len(self.clauses)):
            return self.schema.finest
        return max(asked, key=lambda level: level.depth)

    @property
    def next_literal(self) -> int:
        """The number of the next lifted literal."""
        lifted = [p.name[1:] for p in self.parameters if p.origin is Origin.LITERAL]
        return max((int(name) for name in lifted if name.isdigit()), default=0) + 1

    @property
    def uses_versions(self) -> bool:
        """Whether only the newest row of each instance counts."""
        return self.schema.is_versioned and not self.all_versions

    def where(self, sql: str, *, parameters: Sequence[Parameter] = ()) -> Self:
        """AND a GoogleSQL predicate.

        Args:
            sql: The predicate, as after WHERE.
            parameters: Values for its ``@names``; those of earlier clauses are known already.

        Returns:
            The narrower selection.

        Raises:
            PredicateError: BigQuery would refuse the predicate, or we cannot translate it.
            ParameterError: A parameter is missing, ill-typed, or given twice with two values.
        """
        known, own = self._known(parameters), self.clear_of(parameters)
        checked = check_condition(
            sql, self.schema, parameters=tuple(known.values()), first=own.next_literal
        )
        tree, label = _unqualified(checked.tree), " ".join(sql.split())
        clause = Clause(label, tree, checked.parameters, checked.columns)
        return replace(own, clauses=(*own.clauses, clause))

    def where_in(self, ids: IdList) -> Self:
        """AND ``column IN (these identifiers)``.

        Args:
            ids: The column, and the values it may have.

        Returns:
            The narrower selection.

        Raises:
            UsageError: The table has no such STRING column.
        """
        column = self.schema.find(ids.column)
        if column is None:
            near = ", ".join(self.schema.nearest(ids.column))
            raise UsageError(
                f"the table has no column {ids.column}",
                hint=f"did you mean {near}?" if near else "name the column with --column",
            )
        if column.type.kind is not Kind.STRING:
            raise UsageError(
                f"{column.name} is {column.type}; identifiers are matched on STRING columns",
                hint="use --where for other types",
            )
        name = self.free_name(f"{_snake(column.name)}_list")
        values = Parameter(name, _STRINGS, tuple(ids.values.to_pylist()), Origin.LITERAL)
        checked = check_condition(
            f"{quoted(column.name)} IN UNNEST(@{name})", self.schema, parameters=(values,)
        )
        label = f"{column.name} IN ({len(ids.values):,} from {ids.source})"
        clause = Clause(label, checked.tree, (values,), (column.name,), ids)
        return replace(self, clauses=(*self.clauses, clause))

    def since(self, days: int) -> Self:
        """AND that the study is at most so many days old; no date, not selected.

        Args:
            days: Age in days, counted back from the date of the run.

        Returns:
            The narrower selection.

        Raises:
            PredicateError: The table has no DATE column StudyDate.
        """
        name = self.free_name("since_days")
        age = Parameter(name, SqlType(Kind.INT64), days, Origin.LITERAL)
        checked = check_condition(
            f"StudyDate >= DATE_SUB(CURRENT_DATE(), INTERVAL @{name} DAY)",
            self.schema,
            parameters=(age,),
        )
        label = f"StudyDate in the last {days:,} days"
        clause = Clause(label, checked.tree, checked.parameters, checked.columns, dated="StudyDate")
        return replace(self, clauses=(*self.clauses, clause))

    def either(self, other: Selection) -> Self:
        """Select what this selection or the other one does."""
        from sqlglot import exp

        return self._joined(other, "OR", exp.or_)

    def without(self, other: Selection) -> Self:
        """Select what this selection does and the other one does not."""
        from sqlglot import exp

        def minus(own: exp.Expr, others: exp.Expr) -> exp.Expr:
            # NOT NULL is NULL, and would leave out rows that the other selection never had.
            known = exp.func("COALESCE", others, exp.false())
            return exp.and_(own, exp.not_(known))

        return self._joined(other, "AND", minus, negated)

    def both(self, other: Selection) -> Self:
        """Select what both selections do."""
        ours, theirs = self.apart(other)
        return replace(self, clauses=(*ours, *theirs))

    def bound(self, today: date) -> tuple[Parameter, ...]:
        """List the parameters with the date of the run filled in."""
        return tuple(
            replace(p, value=today) if p.origin is Origin.CLOCK else p for p in self.parameters
        )

    def _joined(
        self,
        other: Selection,
        word: str,
        join: Callable[[exp.Expr, exp.Expr], exp.Expr],
        said: Callable[[Sequence[Clause]], str] | None = None,
    ) -> Self:
        from sqlglot import exp

        ours, theirs = self.apart(other)
        sides = [
            exp.paren(conjunction(c.tree for c in clauses) or exp.true())
            for clauses in (ours, theirs)
        ]
        tree = join(sides[0], sides[1])
        parameters = {p.name: p for c in (*ours, *theirs) for p in c.parameters}
        columns = dict.fromkeys(name for c in (*ours, *theirs) for name in c.columns)
        right = said(theirs) if said else f"({_words(theirs)})"
        label = f"({_words(ours)}) {word} {right}"
        clause = Clause(
            label,
            tree,
            tuple(parameters.values()),
            tuple(columns),
            lists=tuple(part for c in (*ours, *theirs) for part in c.listed),
            statements=tuple(one for c in (*ours, *theirs) for one in c.stated),
            required=tuple(name for c in (*ours, *theirs) for name in c.required),
        )
        return replace(self, clauses=(clause,))

    def _must_fit(self, other: Selection) -> None:
        if (self.schema, self.all_versions) != (other.schema, other.all_versions):
            raise UsageError(
                "the cohorts are of different tables", hint="open the table once and select from it"
            )

    def apart(self, other: Selection) -> tuple[tuple[Clause, ...], tuple[Clause, ...]]:
        """Give the clauses of both, with parameters that do not clash."""
        self._must_fit(other)
        given = tuple(p for p in other.parameters if p.origin is Origin.USER)
        self._known(given)
        ours = self.clear_of(given)
        return ours.clauses, other.clear_of(ours.parameters).clauses

    def clear_of(self, others: Iterable[Parameter]) -> Self:
        """Rename what was lifted where others are called the same; a name has one value."""
        taken = {p.name.lower() for p in others if p.origin is not Origin.CLOCK}
        lifted = [p.name for p in self.parameters if p.origin is Origin.LITERAL]
        if taken.isdisjoint(name.lower() for name in lifted):
            return self
        taken |= {p.name.lower() for p in self.parameters if p.origin is Origin.USER}
        free = (name for number in count(1) if (name := f"p{number}") not in taken)
        names = dict(zip(lifted, free, strict=False))
        return replace(self, clauses=tuple(_renamed(clause, names) for clause in self.clauses))

    def _known(self, given: Iterable[Parameter]) -> dict[str, Parameter]:
        known = {p.name: p for p in self.parameters if p.origin is Origin.USER}
        for parameter in given:
            other = known.setdefault(parameter.name, parameter)
            if (other.type, other.value) != (parameter.type, parameter.value):
                raise ParameterError(
                    f"parameter @{parameter.name} is given twice with different values",
                    hint="use another name",
                )
        return known

    def free_name(self, name: str) -> str:
        """Give a parameter a name that no other has."""
        taken, free, number = {p.name.lower() for p in self.parameters}, name, 1
        while free in taken:
            number += 1
            free = f"{name}_{number}"
        return free


def _unqualified(tree: exp.Expr) -> exp.Expr:
    """Take the table's name from a condition's columns, where it says nothing.

    In a subquery it does: there it tells the table's columns from others of the same name.
    """
    from sqlglot import exp

    for node in tree.find_all(exp.Column):
        if node.find_ancestor(exp.Query) is None:
            node.set("table", None)
    return tree


def _renamed(clause: Clause, names: Mapping[str, str]) -> Clause:
    from sqlglot import exp

    tree = clause.tree.copy()
    for node in tree.find_all(exp.Parameter):
        if node.name in names:
            node.set("this", exp.var(names[node.name]))
    parameters = tuple(replace(p, name=names.get(p.name, p.name)) for p in clause.parameters)
    lists = tuple(_renamed(part, names) for part in clause.lists)
    return replace(
        clause,
        tree=tree,
        parameters=parameters,
        lists=lists,
        statement=clause.statement.renamed(names) if clause.statement else None,
        statements=tuple(one.renamed(names) for one in clause.statements),
    )


def negated(clauses: Sequence[Clause]) -> str:
    """Name the rows that clauses do not select, those without a value among them.

    What is shown of predicates selects the same where it is pasted; a list has no such words.
    """
    if any(clause.listed or clause.stated for clause in clauses):
        return f"NOT ({_words(clauses)})"
    return f"NOT COALESCE({_words(clauses)}, FALSE)"


def _words(clauses: Sequence[Clause]) -> str:
    return " AND ".join(clause.label for clause in clauses) or "TRUE"


def quoted(name: str) -> str:
    """Spell a column as a quoted identifier; BigQuery has no names with a backtick."""
    from sqlglot import exp

    return exp.to_identifier(name, quoted=True).sql("bigquery")


def _snake(name: str) -> str:
    """Spell a DICOM keyword, or any column's name, as a parameter name.

    >>> _snake("PatientID"), _snake("StudyInstanceUID"), _snake("4D study")
    ('patient_id', 'study_instance_uid', '_4_d_study')
    """
    import re

    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return re.sub(r"[^a-z0-9_]|^(?=[0-9])", "_", words)
