-- board --
-- Every home of one estate with its worst open state. A source is one live channel of one device; it was
-- heard at its newest row whose time can be trusted; what a device tells of itself counts for its events.
WITH source AS (
    SELECT s.unit_id, s.channel, heard.at AS heard_at, coalesce(heard.at, s.valid_from) AS known_at,
           CASE WHEN s.channel = 0 THEN %(lock_after)s::interval ELSE %(meter_after)s::interval END AS patience
    FROM v_source s
    JOIN unit u ON u.id = s.unit_id AND u.estate_id = %(estate_id)s
    CROSS JOIN LATERAL last_heard(s.device_id, s.channel, s.valid_from, %(not_evidence)s) heard
    WHERE s.status = 'active' AND s.valid_from <= %(now)s AND (s.valid_to IS NULL OR s.valid_to > %(now)s)
), covered AS (
    SELECT unit_id,
           count(*) AS sources,
           max(heard_at) AS heard_at,
           max(known_at) AS known_at,
           min(known_at) FILTER (WHERE known_at + patience < %(now)s) AS silent_since,
           array_agg(channel ORDER BY known_at) FILTER (WHERE known_at + patience < %(now)s) AS silent
    FROM source
    GROUP BY unit_id
), found AS (
    -- The worst open lead of each home. One that the newest sweep no longer finds waits for a person, but
    -- alarms nobody.
    SELECT DISTINCT ON (x.unit_id) x.*
    FROM (
        SELECT l.unit_id, l.id, l.kind, l.since, l.score,
               CASE WHEN s.id IS NULL THEN 3
                    WHEN l.kind = ANY(%(hazards)s) THEN 1
                    WHEN l.score >= %(high_from)s THEN 2
                    ELSE 3 END AS rank
        FROM lead l
        JOIN unit u ON u.id = l.unit_id AND u.estate_id = %(estate_id)s
        LEFT JOIN v_signal s ON s.unit_id = l.unit_id AND s.kind = l.kind AND s.as_of = %(newest_sweep)s
        WHERE l.status = 'open' AND l.kind <> %(lot)s  -- nothing is known of a home drawn by lot
    ) x
    ORDER BY x.unit_id, x.rank, x.score DESC, x.id
), away AS (
    SELECT DISTINCT ON (a.unit_id) a.unit_id, a.starts_at, a.ends_at, a.reason
    FROM absence a
    WHERE a.registered_at <= %(now)s AND a.starts_at <= %(now)s AND a.ends_at > %(now)s
    ORDER BY a.unit_id, a.starts_at
)
SELECT t.unit_id, t.unit, t.building, t.building_name, t.stair, t.floor, t.door, t.state,
       CASE t.state WHEN 'device' THEN t.silent_since WHEN 'silent' THEN t.known_at
                    WHEN 'pause' THEN t.away_since WHEN 'none' THEN NULL WHEN 'calm' THEN NULL
                    ELSE t.lead_since END AS since,
       t.lead_id, t.lead_kind, t.heard_at, t.is_silent, t.silent_channels, t.away_until, t.away_reason
FROM (
    SELECT u.id AS unit_id, u.code AS unit, b.code AS building, b.name AS building_name, u.stair, u.floor,
           u.door, f.since AS lead_since,
           CASE WHEN %(with_leads)s THEN f.id END AS lead_id,
           CASE WHEN %(with_leads)s THEN f.kind END AS lead_kind,
           c.heard_at, c.known_at, c.silent_since, coalesce(c.silent, '{}') AS silent_channels,
           coalesce(c.known_at + %(unit_after)s::interval < %(now)s, false) AS is_silent,
           a.starts_at AS away_since, a.ends_at AS away_until, a.reason AS away_reason,
           CASE WHEN f.rank = 1 THEN 'hazard'
                WHEN f.rank = 2 THEN 'high'
                WHEN f.rank = 3 THEN 'mid'
                WHEN c.unit_id IS NULL THEN 'none'
                WHEN c.known_at + %(unit_after)s::interval < %(now)s THEN 'silent'
                WHEN c.silent IS NOT NULL THEN 'device'
                WHEN a.unit_id IS NOT NULL THEN 'pause'
                ELSE 'calm' END AS state
    FROM unit u
    JOIN building b ON b.id = u.building_id
    LEFT JOIN found f ON f.unit_id = u.id
    LEFT JOIN covered c ON c.unit_id = u.id
    LEFT JOIN away a ON a.unit_id = u.id
    WHERE u.estate_id = %(estate_id)s
      AND (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
) t
ORDER BY t.building, t.stair, t.floor DESC, t.door

-- sources_of_unit --
-- Every live source of one home, with its newest row whose time can be trusted.
SELECT s.device, s.serial, s.profile, s.channel, s.valid_from, heard.at AS heard_at,
       coalesce(heard.at, s.valid_from)
           + CASE WHEN s.channel = 0 THEN %(lock_after)s::interval ELSE %(meter_after)s::interval END
           < %(now)s AS silent,
       array(SELECT DISTINCT c.kind FROM v_device_condition c
             WHERE c.device_id = s.device_id AND c.channel IN (0, s.channel)
             ORDER BY c.kind) AS conditions
FROM v_source s
JOIN unit u ON u.id = s.unit_id
CROSS JOIN LATERAL last_heard(s.device_id, s.channel, s.valid_from, %(not_evidence)s) heard
WHERE s.unit_id = %(unit_id)s
  AND (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
  AND s.status = 'active' AND s.valid_from <= %(now)s AND (s.valid_to IS NULL OR s.valid_to > %(now)s)
ORDER BY s.channel, s.device
