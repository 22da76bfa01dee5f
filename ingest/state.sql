-- put --
INSERT INTO ingest_state AS s (client_id, committed_at, lag_s, listened_at, listening_since, worst_lag_s,
                               worst_at)
VALUES (%(client_id)s, %(now)s, %(lag_s)s, %(now)s, %(now)s, %(lag_s)s, %(now)s)
ON CONFLICT (client_id) DO UPDATE SET
    committed_at = excluded.committed_at,
    lag_s = excluded.lag_s,
    listened_at = excluded.listened_at,
    listening_since = CASE WHEN %(resumed)s AND excluded.listened_at - s.listened_at > %(outage)s
                           THEN excluded.listened_at
                           ELSE coalesce(s.listening_since, excluded.listening_since) END,
    (worst_lag_s, worst_at) = (
        SELECT w.lag_s, w.at
        FROM (VALUES (s.worst_lag_s, s.worst_at), (excluded.lag_s, excluded.committed_at)) AS w (lag_s, at)
        WHERE w.at BETWEEN excluded.committed_at - %(outage)s AND excluded.committed_at
        ORDER BY w.lag_s DESC
        LIMIT 1
    )

-- listen --
INSERT INTO ingest_state AS s (client_id, listened_at, listening_since) VALUES (%(client_id)s, %(now)s, %(now)s)
ON CONFLICT (client_id) DO UPDATE SET
    listened_at = excluded.listened_at,
    listening_since = CASE WHEN %(resumed)s AND excluded.listened_at - s.listened_at > %(outage)s
                           THEN excluded.listened_at
                           ELSE coalesce(s.listening_since, excluded.listening_since) END
