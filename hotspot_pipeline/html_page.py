"""A page of HTML that stands alone: it fetches nothing and runs nothing, so it opens on a closed network.

Here: the frame of a page, its looks, tables, and the escape of texts. Not here: what a page says (`validated.report`,
`published.bulletin.page`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733; background: #fff; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .3rem; border-top: 2px solid #d8dee6; padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p.quiet { color: #55616e; margin: .2rem 0; }
table { border-collapse: collapse; width: 100%; margin: .3rem 0 1rem; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
  border-bottom: 1px solid #e3e8ee; }
th { background: #f4f6f9; white-space: nowrap; }
td:first-child, td:last-child { overflow-wrap: anywhere; min-width: 3rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.whole { white-space: nowrap; }
.mark { padding: .05rem .5rem; border-radius: .6rem; font-weight: 600; white-space: nowrap; }
.passed { background: #e2f3e6; color: #17592b; }
.warned { background: #fdf0d2; color: #6b4a00; }
.held { background: #fbe1df; color: #86170f; }
""".strip()


def page(title: str, body: str) -> str:
    """The whole document; `body` is HTML already."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Headings that begin with # are of numbers. Cells are HTML already."""
    kinds = [' class="number"' if heading.startswith("#") else "" for heading in headings]
    body = "".join(
        "<tr>"
        + "".join(f"<td{k}>{cell}</td>" for k, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    if not body:
        return '<p class="quiet">None.</p>'
    head = "".join(
        f"<th{k}>{text(heading.lstrip('#'))}</th>"
        for k, heading in zip(kinds, headings, strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def text(value: object) -> str:
    """The value as text that is no markup."""
    return escape(str(value), quote=True)


def whole(value: object) -> str:
    """The same, never broken into two lines: an id, a date."""
    return f'<span class="whole">{text(value)}</span>'
