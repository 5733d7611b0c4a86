"""Where in a SQL file something stands: errors name file and line.

sqlglot counts lines wrongly after a $parameter, so lines are counted here from offsets into the text.
"""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, TokenError

DIALECT = "duckdb"
_PLACE = re.compile(r"\s*Line: (?P<line>\d+), Col: (?P<col>\d+)$")


def line_of(node: exp.Expr, sql: str) -> int:
    """The line on which a parsed node begins, or what holds it where the node itself has no place."""
    starts = [int(n.meta["start"]) for n in node.walk() if "start" in n.meta]
    if starts:
        return _line_at(min(starts), sql)
    return line_of(node.parent, sql) if node.parent is not None else 1


def parse_fault(error: ParseError | TokenError, sql: str) -> tuple[int, str]:
    """(line, what is wrong) of a text that does not parse."""
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        what = str(first["description"]).split(" but got <Token")[0]
        near = str(first.get("highlight") or "")
        line = _line_of_place(int(first["line"] or 1), int(first["col"] or 1), sql)
        return line, f"{what} at '{near}'" if near else what
    lines = sql.split("\n")
    opened = len(lines)
    while opened > 1 and not _has_tokens("\n".join(lines[: opened - 1])):
        opened -= 1
    return opened, "a quote or comment that begins here does not end"


def resolve_fault(error: OptimizeError, tree: exp.Expr, sql: str) -> tuple[int, str]:
    """(line, what is wrong) of a name that cannot be resolved."""
    message = str(error)
    found = _PLACE.search(message)
    if found:
        line = _line_of_place(int(found["line"]), int(found["col"]), sql)
        return line, message[: found.start()].rstrip(". ")
    name = message.rpartition(":")[2].strip().strip("'\"")
    for column in tree.find_all(exp.Column):
        if column.name == name:
            return line_of(column, sql), message
    return final_select_line(sql), message


def final_select_line(sql: str) -> int:
    lines = [n for n, line in enumerate(sql.splitlines(), 1) if line.lower().startswith("select")]
    return lines[-1] if lines else 1


def _line_of_place(line: int, col: int, sql: str) -> int:
    """Back from sqlglot's own line and column to the token that has them, and its offset."""
    for token in sqlglot.tokenize(sql, dialect=DIALECT):
        if (token.line, token.col) == (line, col):
            return _line_at(token.start, sql)
    return min(line, sql.count("\n") + 1)


def _line_at(offset: int, sql: str) -> int:
    return sql.count("\n", 0, offset) + 1


def _has_tokens(sql: str) -> bool:
    try:
        sqlglot.tokenize(sql, dialect=DIALECT)
    except TokenError:
        return False
    return True
