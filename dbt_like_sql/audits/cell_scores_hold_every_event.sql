select
    s.n_events,
    s.n_asb + s.n_public_order + s.n_crim_damage + s.n_robbery + s.n_vap + s.n_weapons as n_by_group,
    s.cell
from hexes.cell_scores s
where s.n_events <> s.n_asb + s.n_public_order + s.n_crim_damage + s.n_robbery + s.n_vap + s.n_weapons
