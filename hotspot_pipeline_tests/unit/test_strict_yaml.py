"""YAML as people mean it: no key twice, no yes that becomes true, and every complaint with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hotspot_pipeline.strict_yaml import flag, mapping, read_mapping, refuse_unknown, text, texts


class Wrong(ValueError):
    pass


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "force.yml"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a: 1\nb: 2\na: 3\n", ":3:1: not valid YAML: key 'a' stands here a second time"),
        ("x:\n  a: 1\n  a: 1\n", ":3:3: not valid YAML: key 'a' stands here a second time"),
        ("x: {a: 1, a: 2}\n", ":1:11: not valid YAML: key 'a' stands here a second time"),
        ("x: [1, 2\ny: 3\n", ":2:2: not valid YAML"),
        ("a: one: two\n", ":1:7: not valid YAML"),
        ("a: 'open\n", "not valid YAML"),
        ("- 1\n", ": must be a mapping (key: value lines), not a list"),
        ("just words\n", ": must be a mapping (key: value lines), not a text"),
        ("a: !!python/object/apply:os.getcwd []\n", ":1:4: not valid YAML"),
    ],
)
def test_a_broken_file_is_told_with_its_place(content: str, told: str, file: Path) -> None:
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Wrong) as caught:
        read_mapping(file, Wrong)
    assert str(caught.value).startswith(f"{file}{told}" if told.startswith(":") else f"{file}")
    assert told in str(caught.value)


def test_what_is_meant_is_read(file: Path) -> None:
    file.write_text("\ufeffname: Fosseshire\nfeeds:\n  x: {}\n# end\n", encoding="utf-8")
    assert read_mapping(file, Wrong) == {"name": "Fosseshire", "feeds": {"x": {}}}
    file.write_text("# nothing yet\n", encoding="utf-8")
    assert read_mapping(file, Wrong) == {}


def test_another_encoding_is_told(file: Path) -> None:
    file.write_bytes("name: Gwynedd ŵ".encode("utf-16"))
    with pytest.raises(Wrong, match="not UTF-8"):
        read_mapping(file, Wrong)


def test_a_missing_file_is_left_to_whoever_asks(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_mapping(file, Wrong)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", ("a",)), (["a", "b"], ("a", "b")), (["a", 1, 2.5], ("a", "1", "2.5")), ([], ()), (7, ("7",))],
)  # fmt: skip
def test_texts(value: Any, expected: tuple[str, ...]) -> None:
    assert texts(value, "here", Wrong) == expected


@pytest.mark.parametrize("value", [True, [False], None, [None], {"a": 1}, [["a"]]])
def test_no_texts(value: Any) -> None:
    with pytest.raises(Wrong, match="^here: "):
        texts(value, "here", Wrong)


def test_a_yes_is_not_taken_for_a_text() -> None:
    with pytest.raises(Wrong, match="YAML reads this as true, not as text; write it in quotes"):
        text(True, "here", Wrong)


def test_flags_and_mappings() -> None:
    assert flag(True, "here", Wrong) is True
    assert mapping(None, "here", Wrong) == {}
    assert mapping({1: "a", "b": True}, "here", Wrong) == {"1": "a", "b": True}
    for value in ("true", 1, None):
        with pytest.raises(Wrong, match="is not true or false"):
            flag(value, "here", Wrong)
    with pytest.raises(Wrong, match="here: must be a mapping"):
        mapping("a", "here", Wrong)
    with pytest.raises(Wrong, match="YAML reads this as true"):
        mapping({True: "a"}, "here", Wrong)


def test_the_first_unknown_key_is_told_with_those_that_are_known() -> None:
    refuse_unknown(["a"], ["a", "b"], "here", Wrong)
    with pytest.raises(Wrong, match="^here: unknown key 'x'; known: a, b$"):
        refuse_unknown(["z", "x", "a"], ["b", "a"], "here", Wrong)
    with pytest.raises(
        Wrong, match="a text that holds a comma, a colon or a brace stands in quotes"
    ):
        refuse_unknown(["and then"], ["a"], "here", Wrong)
