-- totals --
SELECT coalesce(sum(messages), 0)::bigint, coalesce(sum(readings), 0)::bigint,
       coalesce(sum(duplicates), 0)::bigint, coalesce(sum(events), 0)::bigint,
       coalesce(sum(event_duplicates), 0)::bigint,
       coalesce(sum(quarantined), 0)::bigint,
       (SELECT count(*) FROM lead WHERE status = 'open'),
       (SELECT count(*) FROM unit),
       (SELECT max(committed_at) FROM ingest_state)
FROM ingest_tally
