-- plant --
SELECT max(s.listened_at),
       (array_agg(s.worst_lag_s ORDER BY s.worst_lag_s DESC NULLS LAST))[1],
       (array_agg(s.worst_at ORDER BY s.worst_lag_s DESC NULLS LAST))[1],
       (SELECT coalesce(sum(t.messages), 0)::bigint FROM v_ingest_tally t
        WHERE t.day = %(day)s AND t.source <> 'import'),
       (SELECT coalesce(sum(t.quarantined), 0)::bigint FROM v_ingest_tally t
        WHERE t.day = %(day)s AND t.source <> 'import')
FROM v_ingest_state s
WHERE s.listened_at IS NULL OR s.listened_at <= %(now)s::timestamptz + interval '1 day'
