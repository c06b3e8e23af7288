-- Customers who came again: interactions that customers began, by day and first queue, and how many of them the same
-- external contact followed by another one within seven times 24 hours of the start, to whichever queue.
with contacts as (
    select
        day,
        primary_queue_id as queue_id,
        lead(started_at) over (partition by external_contact_id order by started_at, interaction_id)
        <= started_at + interval '168' hour as repeated
    from interactions
    where external_contact_id is not null and direction = 'inbound' and started_at is not null
)

select
    c.day,
    c.queue_id,
    q.name as queue_name,
    count(*) as interactions,
    count(*) filter (where c.repeated) as repeated,
    cast(count(*) filter (where c.repeated) as double) / count(*) as repeat_rate
from contacts as c
left join queue_names as q on q.id = c.queue_id
group by c.day, c.queue_id, q.name
