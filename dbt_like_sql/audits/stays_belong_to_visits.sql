select coalesce(d.visit_id, v.visit_id) as visit_id
from (select distinct visit_id from patrols.dwell) d
full join patrols.visits v on v.visit_id = d.visit_id
where d.visit_id is null or v.visit_id is null
