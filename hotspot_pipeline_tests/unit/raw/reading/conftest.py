"""Small deliveries for the readers, and where the public data lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotspot_pipeline.raw.reading import SourceTable, UnreadableFile, read_file

DATA = Path(__file__).resolve().parents[5] / "shared" / "data"


@pytest.fixture
def deliver(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Put bytes under a name into a folder, as a supplier would."""

    def put(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return put


@pytest.fixture
def table(deliver: Callable[[str, bytes], Path]) -> Callable[..., SourceTable]:
    """Deliver, read, and insist on exactly one table."""

    def read(content: bytes, name: str = "crimes.csv", **options: Any) -> SourceTable:
        [item] = read_file(deliver(name, content), **options)
        assert isinstance(item, SourceTable), str(item)
        return item

    return read


@pytest.fixture
def refusal(deliver: Callable[[str, bytes], Path]) -> Callable[..., UnreadableFile]:
    """Deliver, read, and insist on exactly one refusal that says where, what and what to do."""

    def read(content: bytes, name: str = "crimes.csv", **options: Any) -> UnreadableFile:
        [item] = read_file(deliver(name, content), **options)
        assert isinstance(item, UnreadableFile), item
        assert item.path.startswith(name)
        text = str(item)
        assert text.startswith(name)
        assert f"({item.rule})" in text
        assert "; do: " in text
        assert "\n" not in text
        return item

    return read


@pytest.fixture
def public_data() -> Path:
    if not DATA.is_dir():
        pytest.skip(f"public test data not found: {DATA}")
    return DATA
