select
    a.duty_id,
    b.duty_id as other_duty_id,
    a.start_utc,
    a.end_utc
from history.duties_current a
inner join history.duties_current b
    on
        b.device_pid = a.device_pid
        and b.duty_id > a.duty_id
        and b.start_utc < a.end_utc
        and a.start_utc < b.end_utc
