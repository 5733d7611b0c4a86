"""The part of SQL that models may use, so that the same files run on a second engine with the same values.

That a query transpiles proves nothing: some constructs came back with other values, some did not run. So only kinds
of nodes are let through that were compared. A model that needs another one: add it to `PORTABLE` and to the
comparison on a second engine, in one change.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

_QUERY = (
    exp.Select, exp.Union, exp.Except, exp.Intersect, exp.With, exp.CTE, exp.Subquery, exp.From, exp.Join, exp.Where,
    exp.Group, exp.Having, exp.Qualify, exp.Order, exp.Ordered, exp.Distinct, exp.Star, exp.Table, exp.TableAlias,
    exp.Window, exp.WindowSpec, exp.Alias, exp.Column, exp.Identifier, exp.Placeholder, exp.Parameter, exp.Paren,
)  # fmt: skip
_VALUES = (
    exp.Literal, exp.Boolean, exp.Null, exp.Cast, exp.DataType, exp.DataTypeParam, exp.Case, exp.If, exp.Coalesce,
    exp.Nullif, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ, exp.GT, exp.GTE, exp.LT,
    exp.LTE, exp.Is, exp.In, exp.Between, exp.Exists, exp.Like, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.DPipe,
    exp.Lower, exp.Upper, exp.Trim, exp.Abs, exp.Floor, exp.Ceil, exp.Round, exp.TimestampTrunc, exp.DateTrunc, exp.Var,
    exp.Interval, exp.Extract, exp.LastDay,
)  # fmt: skip
_AGGREGATES = (
    exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Filter, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue,
    exp.LogicalAnd, exp.LogicalOr,
)  # fmt: skip
PORTABLE: frozenset[type[exp.Expr]] = frozenset((*_QUERY, *_VALUES, *_AGGREGATES))

_TYPES = frozenset(
    (
        exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT, exp.DataType.Type.BIGINT, exp.DataType.Type.INT,
        exp.DataType.Type.SMALLINT, exp.DataType.Type.DOUBLE, exp.DataType.Type.DECIMAL, exp.DataType.Type.BOOLEAN,
        exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP,
    )
)  # fmt: skip
_WHOLE = frozenset((exp.DataType.Type.BIGINT, exp.DataType.Type.INT, exp.DataType.Type.SMALLINT))
_BROKEN = frozenset((exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT, exp.DataType.Type.DECIMAL))

_PARTS = ("YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE")

# What was seen to give other values, or nothing, on a second engine, and what to do instead.
_INSTEAD: dict[type[exp.Expr], str] = {
    exp.AtTimeZone: "AT TIME ZONE: local time becomes UTC once, in timebase.py",
    exp.DateDiff: "date_diff: subtract dates instead",
    exp.TimeToUnix: "epoch(): subtract timestamps in a kernel instead",
    exp.DayOfWeekIso: "isodow: timebase.py gives the day of the week",
    exp.ArrayAgg: "list() and array_agg(): their order differs between engines",
    exp.GroupConcat: "string_agg(): its order differs between engines",
    exp.Lateral: "lateral joins",
    exp.Pivot: "pivot",
    exp.Limit: "limit: without a total order it takes other rows; rank them with row_number()",
    exp.TableSample: "samples: other rows in every run",
    exp.Rand: "random(): other values in every run",
    exp.CurrentDate: "today's date: what is known when is $known_at",
    exp.CurrentTimestamp: "the present time: what is known when is $known_at",
    exp.Localtimestamp: "the present time: what is known when is $known_at",
    exp.TryCast: "try_cast: values are typed once, at the gate",
}


def not_portable(tree: exp.Expr) -> Iterator[tuple[exp.Expr, str]]:
    """Each node of a parsed query that models may not use, with the reason."""
    for node in tree.walk():
        why = _refusal(node)
        if why:
            yield node, why


def rounding_casts(typed: exp.Expr) -> Iterator[tuple[exp.Expr, str]]:
    """Casts from numbers with a fraction to whole ones, in a tree with types: engines round them differently."""
    for cast in typed.find_all(exp.Cast):
        inner = cast.this.unnest()
        is_whole = isinstance(inner, exp.Floor | exp.Ceil | exp.Round)
        if cast.to.this in _WHOLE and inner.type and inner.type.this in _BROKEN and not is_whole:
            yield (
                cast,
                f"{inner.type.this.value} to {cast.to.this.value}: engines round it differently; use floor() or ceil()",
            )


def _refusal(node: exp.Expr) -> str | None:
    kind = type(node)
    if kind in _INSTEAD:
        return _INSTEAD[kind]
    if kind is exp.Anonymous:
        return f"{node.name}() is not a function that every engine has"
    if kind not in PORTABLE:
        return (
            f"{kind.__name__} ({node.sql(dialect='duckdb')[:60]}) is not in sql_models/portable.py"
        )
    if isinstance(node, exp.DataType) and node.this not in _TYPES:
        unsigned = node.this in exp.DataType.UNSIGNED_INTEGER_TYPES
        return "unsigned integers" if unsigned else f"type {node.sql(dialect='duckdb')}"
    if isinstance(node, exp.Join):
        how = str(node.args.get("method") or node.args.get("kind") or "").upper()
        if how not in ("", "INNER", "OUTER", "CROSS", "LEFT", "RIGHT", "FULL"):
            return f"{how} join"
    if isinstance(node, exp.Extract) and node.name.upper() not in _PARTS:
        return f"extract({node.name.lower()}): timebase.py gives the parts of a moment"
    if isinstance(node, exp.Distinct) and node.args.get("on"):
        return "distinct on: rank the rows with row_number()"
    if isinstance(node, exp.Star) and any(
        node.args.get(k) for k in ("except_", "replace", "rename")
    ):
        return "star with exceptions: name the columns"
    return None
