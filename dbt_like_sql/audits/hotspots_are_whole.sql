select
    h.hotspot_id,
    h.n_cells,
    count(c.cell) as n_found
from hexes.hotspots h
left join hexes.hotspot_cells c on c.hotspot_id = h.hotspot_id
group by h.hotspot_id, h.n_cells
having h.n_cells <> count(c.cell)
