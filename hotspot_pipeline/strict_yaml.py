"""YAML that people write, read strictly: UTF-8, one mapping, no key twice, values of the kind that is meant.

Here: reading a file and checking single values; every complaint names file, line or key, value and rule. Not here:
which keys a file may have (`settings`, `feeds`, `warehouse/contract`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # built without libyaml: slower, the same answers
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

_COMMA = "a text that holds a comma, a colon or a brace stands in quotes"


class _Loader(_Base):
    """YAML takes the last of two equal keys without a word; here that is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int | float) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key '{key}' stands here a second time", key_node.start_mark
                )
            if isinstance(key, str | int | float):
                seen.add(key)
        return super().construct_mapping(node, deep)


def read_mapping(path: Path, error: type[ValueError]) -> dict[str, Any]:
    """The mapping in a file, empty for an empty one. Raises `error`, but FileNotFoundError for a missing file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise error(f"{path}: not UTF-8 (byte {wrong.start}); save it as UTF-8") from wrong
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as wrong:
        raise error(f"{_place(path, wrong)}: not valid YAML: {_problem(wrong)}") from wrong
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise error(f"{path}: must be a mapping (key: value lines), not a {_kind(document)}")
    return dict(document)


def mapping(value: Any, where: str, error: type[ValueError]) -> dict[str, Any]:
    """A mapping; nothing is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise error(f"{where}: must be a mapping (key: value), not the {_kind(value)} '{value}'")
    return {_key(k, where, error): v for k, v in value.items()}


def texts(value: Any, where: str, error: type[ValueError]) -> tuple[str, ...]:
    """A list of texts; a single text is a list of one."""
    entries = value if isinstance(value, list | tuple) else [value]
    return tuple(text(entry, where, error) for entry in entries)


def text(value: Any, where: str, error: type[ValueError]) -> str:
    """A text; numbers and dates are taken as they read, YAML's yes/no/true/false are not."""
    if isinstance(value, bool):
        raise error(
            f"{where}: YAML reads this as {str(value).lower()}, not as text; write it in quotes"
        )
    if value is None or isinstance(value, Mapping | list | tuple):
        shown = "" if value is None else f" '{value}'"
        raise error(f"{where}: must be a text, not {_kind(value)}{shown}")
    return str(value)


def flag(value: Any, where: str, error: type[ValueError]) -> bool:
    if not isinstance(value, bool):
        raise error(f"{where}: '{value}' is not true or false")
    return value


def refuse_unknown(
    keys: Iterable[Any], known: Iterable[str], where: str, error: type[ValueError]
) -> None:
    """Raises on the first key that is not known, in alphabetical order."""
    known = sorted(known)
    unknown = sorted({str(k) for k in keys} - set(known))
    if unknown:
        hint = f" ({_COMMA})" if " " in unknown[0] or ")" in unknown[0] else ""
        raise error(f"{where}: unknown key '{unknown[0]}'{hint}; known: {', '.join(known)}")


def _key(key: Any, where: str, error: type[ValueError]) -> str:
    return text(key, f"{where}: key {key!r}", error)


def _place(path: Path, wrong: yaml.YAMLError) -> str:
    mark = getattr(wrong, "problem_mark", None)
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)


def _problem(wrong: yaml.YAMLError) -> str:
    problem = getattr(wrong, "problem", None) or str(wrong).splitlines()[0]
    return f"{problem} ({_COMMA})" if "expected" in problem or "found" in problem else problem


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return {list: "list", tuple: "list", str: "text", bool: "true/false"}.get(
        type(value), type(value).__name__
    )
