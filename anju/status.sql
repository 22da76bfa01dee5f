-- totals --
-- Everything counted, in one row; tallies are kept by the transactions that store.
SELECT
    (SELECT coalesce(sum(messages), 0)::bigint FROM ingest_tally),
    (SELECT coalesce(sum(readings), 0)::bigint FROM ingest_tally),
    (SELECT coalesce(sum(duplicates), 0)::bigint FROM ingest_tally),
    (SELECT coalesce(sum(events), 0)::bigint FROM ingest_tally),
    (SELECT coalesce(sum(event_duplicates), 0)::bigint FROM ingest_tally),
    -- Of the processes that committed lately; the row of one that is gone stays.
    (SELECT max(lag_s) FROM ingest_state
     WHERE committed_at > (SELECT max(committed_at) FROM ingest_state) - interval '1 minute'),
    (SELECT max(committed_at) FROM ingest_state),
    (SELECT count(*) FROM usage_dirty),
    (SELECT count(*) FROM lead WHERE status = 'open'),
    (SELECT count(*) FROM alert WHERE status = 'open'),
    (SELECT count(*) FROM alert WHERE cleared_at IS NULL AND status <> 'closed'),
    (SELECT count(*) FROM device_condition)

-- quarantine_by_reason --
SELECT reason, count(*) FROM quarantine GROUP BY reason ORDER BY reason

-- signals_by_kind --
SELECT kind, count(*) FROM signal GROUP BY kind ORDER BY kind
