-- How often agents chose each wrap-up code, by day and the queue that the interaction came to first, and the code's share
-- of that queue's wrap-ups of the day. A code of Genesys's own (ININ-...) is its own name, and null is none.
with wrapped as (
    select w.day, i.primary_queue_id as queue_id, w.code, count(*) as wrap_ups
    from wrap_ups as w
    join interactions as i on i.day = w.day and i.interaction_id = w.interaction_id
    group by w.day, i.primary_queue_id, w.code
)

select
    w.day,
    w.queue_id,
    q.name as queue_name,
    w.code,
    coalesce(c.name, w.code) as code_name,
    w.wrap_ups,
    cast(w.wrap_ups as double) / sum(w.wrap_ups) over (partition by w.day, w.queue_id) as share
from wrapped as w
left join queue_names as q on q.id = w.queue_id
left join wrap_up_codes as c on c.id = w.code
