-- Messages are counted as they end, by the day they were written: what ended before is counted once, here.
insert into insight (store, dimension, day, key, live, figures)
    select store, 'message', day, key, 0, json_group_object(state, n) from (
        select store, made_at / 86400 as day, substr(channel, 1, instr(channel || ':', ':') - 1) || '|' || notice as key, state, count(*) as n
        from messages where state in ('sent', 'dropped', 'failed', 'unknown') group by 1, 2, 3, 4)
    group by store, day, key;
