-- put --
-- The newest message decides the times. Of the lags the range stays, and fades by an eighth a batch. Numbers
-- follow `Run.takes`: `run` is true where the batch goes on with what is known, false where the device counts
-- anew, null where the batch has no numbers, or only those of before a restart.
INSERT INTO device_sign AS s (device_id, received_at, device_at, lag_s, lag_low_s, lag_high_s, boot, first,
                              counter, counted_at, missing, limited, limited_at)
SELECT n.device_id, timestamptz 'epoch' + n.received * interval '1 microsecond',
       timestamptz 'epoch' + n.stated * interval '1 microsecond', n.lag / 1e6, n.low / 1e6, n.high / 1e6,
       n.boot, n.first, n.counter, timestamptz 'epoch' + n.counted * interval '1 microsecond',
       n.missing::int8multirange, n.limited, timestamptz 'epoch' + n.limited_at * interval '1 microsecond'
FROM unnest(%(devices)s::integer[], %(received)s::bigint[], %(stated)s::bigint[], %(lags)s::bigint[],
            %(lows)s::bigint[], %(highs)s::bigint[], %(boots)s::bigint[], %(firsts)s::bigint[],
            %(counters)s::bigint[], %(counted)s::bigint[], %(missing)s::text[], %(limited)s::bigint[],
            %(limited_at)s::bigint[])
    AS n (device_id, received, stated, lag, low, high, boot, first, counter, counted, missing, limited,
          limited_at)
ON CONFLICT (device_id) DO UPDATE SET
    received_at = greatest(s.received_at, excluded.received_at),
    device_at = CASE WHEN excluded.received_at >= s.received_at
                     THEN coalesce(excluded.device_at, s.device_at) ELSE s.device_at END,
    lag_s = CASE WHEN excluded.received_at >= s.received_at
                 THEN coalesce(excluded.lag_s, s.lag_s) ELSE s.lag_s END,
    lag_low_s = CASE WHEN excluded.lag_low_s IS NULL THEN s.lag_low_s
                     WHEN s.lag_low_s <= excluded.lag_low_s
                     THEN s.lag_low_s + (excluded.lag_low_s - s.lag_low_s) / 8
                     ELSE excluded.lag_low_s END,
    lag_high_s = CASE WHEN excluded.lag_high_s IS NULL THEN s.lag_high_s
                      WHEN s.lag_high_s >= excluded.lag_high_s
                      THEN s.lag_high_s + (excluded.lag_high_s - s.lag_high_s) / 8
                      ELSE excluded.lag_high_s END,
    limited = s.limited + excluded.limited,
    limited_at = greatest(s.limited_at, excluded.limited_at),
    (boot, first, counter, counted_at, missing) = (
        SELECT CASE WHEN NOT f.run THEN excluded.boot ELSE s.boot END,
               CASE WHEN NOT f.run THEN excluded.first WHEN f.run THEN least(s.first, excluded.first)
                    ELSE s.first END,
               CASE WHEN NOT f.run THEN excluded.counter WHEN f.run THEN greatest(s.counter, excluded.counter)
                    ELSE s.counter END,
               CASE WHEN NOT f.run THEN excluded.counted_at
                    WHEN f.run THEN greatest(s.counted_at, excluded.counted_at)
                    ELSE s.counted_at END,
               CASE WHEN NOT f.run THEN excluded.missing
                    WHEN f.run THEN
                        (s.missing + int8multirange(
                             int8range(s.counter, greatest(s.counter, excluded.counter), '(]'))
                         - (int8multirange(int8range(excluded.first, excluded.counter, '[]'))
                            - excluded.missing))
                        * int8multirange(int8range(greatest(s.counter, excluded.counter) - %(kept)s, NULL))
                    ELSE s.missing END
        FROM (SELECT CASE
            WHEN excluded.counter IS NULL THEN NULL
            WHEN s.counter IS NULL OR (excluded.boot IS NOT NULL AND s.boot IS NULL) THEN false
            WHEN excluded.boot IS NULL AND s.boot IS NOT NULL THEN
                CASE WHEN coalesce(excluded.counted_at > s.counted_at, true) THEN false END
            WHEN excluded.boot <> s.boot THEN CASE WHEN excluded.boot > s.boot THEN false END
            WHEN excluded.boot IS NULL AND excluded.counter < s.counter THEN
                coalesce(excluded.counted_at - s.counted_at
                             <= CASE WHEN excluded.counter >= s.counter - %(near)s
                                     THEN %(newer_us)s * interval '1 microsecond' ELSE interval '0' END,
                         excluded.counter >= s.counter - %(near)s)
            WHEN excluded.boot IS NULL AND excluded.first > s.counter + %(near)s
                AND excluded.counted_at < s.counted_at - %(newer_us)s * interval '1 microsecond' THEN NULL
            ELSE true END AS run) f
    )
