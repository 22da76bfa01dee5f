-- hold_waiting --
-- A waiting job of the kind, not to be fetched before this transaction ends.
SELECT id FROM procrastinate_jobs
WHERE queueing_lock = %(kind)s AND status = 'todo'
FOR UPDATE
