-- What each agent did on a day, by the day on which the interactions started. Handled are those in which the agent
-- spoke, what only rang is not answered. Work on two interactions at once counts for each.
select
    a.day,
    a.user_id,
    u.name as user_name,
    count(*) filter (where a.interacted) as handled,
    count(*) filter (where not a.interacted) as not_answered,
    coalesce(sum(a.talk_ms), 0) as talk_ms,
    coalesce(sum(a.hold_ms), 0) as hold_ms,
    coalesce(sum(a.acw_ms), 0) as acw_ms,
    coalesce(sum(a.handle_ms), 0) as handle_ms,
    cast(coalesce(sum(a.handle_ms), 0) as double) / nullif(count(*) filter (where a.interacted), 0) as average_handle_ms
from agents as a
left join users as u on u.id = a.user_id
where a.role = 'agent' and a.user_id is not null
group by a.day, a.user_id, u.name
