-- pending --
-- What is not yet stored or computed, in one snapshot. `now` is the real time: jobs are due by it.
SELECT
    NOT EXISTS (SELECT FROM ingest_marker WHERE marker = %(marker)s) AS unseen,
    (SELECT count(*) FROM decode_todo) AS todos,
    (SELECT count(*) FROM usage_dirty) AS dirty,
    (
        SELECT count(*) FROM procrastinate_jobs
        WHERE status = 'doing' OR (status = 'todo' AND coalesce(scheduled_at, %(now)s) <= %(now)s)
    ) AS jobs
