-- From which queue customers came to which, by day: each visit with the one before it of the same interaction, agents'
-- consults left out. After an answer an agent passed the customer on, else nobody had answered.
with steps as (
    select
        day,
        lag(queue_id) over (partition by interaction_id order by position) as from_queue_id,
        lag(outcome) over (partition by interaction_id order by position) as from_outcome,
        queue_id as to_queue_id
    from queue_visits
    where not consult
)

select
    s.day,
    s.from_queue_id,
    f.name as from_queue_name,
    s.to_queue_id,
    t.name as to_queue_name,
    count(*) as transfers,
    count(*) filter (where s.from_outcome = 'answered') as after_an_answer
from steps as s
left join queue_names as f on f.id = s.from_queue_id
left join queue_names as t on t.id = s.to_queue_id
where s.from_queue_id is not null
group by s.day, s.from_queue_id, f.name, s.to_queue_id, t.name
