"""What stands under every output: whose data, to which day, and every record accounted for."""

from __future__ import annotations

from hotspot_pipeline.feeds.of_force import contracts_of
from hotspot_pipeline.settings import Force
from hotspot_pipeline.warehouse.session import Session


def footer_of(session: Session, force: Force) -> dict[str, str]:
    rows = session.frame(
        "select measure, n, data_to from published.data_quality order by part, measure"
    )
    data_to = rows.get_column("data_to")[0] if rows.height else None
    return {
        "force": force.name,
        "data to": str(data_to or "no data"),
        **{
            measure.replace("_", " "): f"{n:,}"
            for measure, n in rows.select("measure", "n").iter_rows()
        },
        **_licences(force),
    }


def _licences(force: Force) -> dict[str, str]:
    texts = sorted({c.licence for c in contracts_of(force).values() if c.licence})
    return {"licence": "; ".join(texts)} if texts else {}
