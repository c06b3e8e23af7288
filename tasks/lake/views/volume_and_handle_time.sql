-- Interactions by the queue that they came to first and the hour (UTC) in which they started, and how long agents
-- worked on each that was handled: talk, hold and after-call work of all its agents.
with work as (
    select day, interaction_id, sum(handle_ms) as handle_ms
    from agents
    where role = 'agent'
    group by day, interaction_id
)

select
    i.day,
    date_trunc('hour', i.started_at at time zone 'UTC') as hour,
    i.primary_queue_id as queue_id,
    q.name as queue_name,
    count(*) as interactions,
    count(*) filter (where i.handled) as handled,
    sum(w.handle_ms) as handle_ms,
    avg(w.handle_ms) as average_handle_ms,
    approx_percentile(w.handle_ms, 0.5) as median_handle_ms,
    approx_percentile(w.handle_ms, 0.9) as handle_ms_of_ninety_percent
from interactions as i
left join work as w on w.day = i.day and w.interaction_id = i.interaction_id and i.handled
left join queue_names as q on q.id = i.primary_queue_id
where i.primary_queue_id is not null and i.day is not null
group by i.day, date_trunc('hour', i.started_at at time zone 'UTC'), i.primary_queue_id, q.name
