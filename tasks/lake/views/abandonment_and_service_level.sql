-- Visits to queues that are over, without agents' consults, by queue and day. Who waits is answered, abandons, or goes on
-- without an agent (flowed out). The service level is the share answered within the threshold, of those that were
-- answered or abandoned. The wait is from begin to end of the visit.
with visits as (
    select
        day,
        queue_id,
        outcome = 'answered' as answered,
        outcome = 'abandoned' as abandoned,
        date_diff('millisecond', entered_at, left_at) as wait_ms
    from queue_visits
    where not consult and outcome is not null
),

timed as (
    select
        day,
        queue_id,
        answered,
        abandoned,
        answered and wait_ms <= 1000 * 20 /* SERVICE_LEVEL_SECONDS */ as answered_in_time,
        case when answered then wait_ms end as answered_after_ms
    from visits
)

select
    t.day,
    t.queue_id,
    q.name as queue_name,
    count(*) as offered,
    count(*) filter (where t.answered) as answered,
    count(*) filter (where t.abandoned) as abandoned,
    count(*) filter (where not t.answered and not t.abandoned) as flowed_out,
    cast(count(*) filter (where t.abandoned) as double) / count(*) as abandonment_rate,
    count(*) filter (where t.answered_in_time) as answered_in_time,
    cast(count(*) filter (where t.answered_in_time) as double)
    / nullif(count(*) filter (where t.answered or t.abandoned), 0) as service_level,
    avg(t.answered_after_ms) as average_wait_ms,
    approx_percentile(t.answered_after_ms, 0.9) as wait_ms_of_ninety_percent
from timed as t
left join queue_names as q on q.id = t.queue_id
group by t.day, t.queue_id, q.name
