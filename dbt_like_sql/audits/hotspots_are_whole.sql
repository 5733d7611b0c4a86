with missing_cells as (

    select
        h.hotspot_id,
        h.n_cells as n_expected,
        count(c.cell) as n_found
    from hexes.hotspots h
    left join hexes.hotspot_cells c on c.hotspot_id = h.hotspot_id
    group by h.hotspot_id, h.n_cells
    having h.n_cells <> count(c.cell)

),

shared_cells as (

    select
        min(hotspot_id) as hotspot_id,
        1 as n_expected,
        count(*) as n_found
    from hexes.hotspot_cells
    group by cell
    having count(*) > 1

)

select * from missing_cells
union all
select * from shared_cells
