-- derived_days --
SELECT unit_id, day FROM unit_day
WHERE unit_id = ANY(%(unit_ids)s) AND day BETWEEN %(first)s AND %(last)s

-- make_room_for_days --
CREATE TEMPORARY TABLE IF NOT EXISTS unit_day_new (LIKE unit_day) ON COMMIT DELETE ROWS

-- copy_days --
COPY unit_day_new (computed_at, day, unit_id, energy_kwh, energy_seen_h, energy_active_h, standby_kw, water_l,
                   water_seen_h, water_active_h, water_zero_h, water_night_l, entries, entries_unknown, doors,
                   energy_alive, water_alive, door_alive, absent)
FROM STDIN

-- upsert_days --
INSERT INTO unit_day
SELECT * FROM unit_day_new
ON CONFLICT (unit_id, day) DO UPDATE
SET computed_at = excluded.computed_at, energy_kwh = excluded.energy_kwh,
    energy_seen_h = excluded.energy_seen_h, energy_active_h = excluded.energy_active_h,
    standby_kw = excluded.standby_kw, water_l = excluded.water_l, water_seen_h = excluded.water_seen_h,
    water_active_h = excluded.water_active_h, water_zero_h = excluded.water_zero_h,
    water_night_l = excluded.water_night_l, entries = excluded.entries,
    entries_unknown = excluded.entries_unknown, doors = excluded.doors,
    energy_alive = excluded.energy_alive, water_alive = excluded.water_alive,
    door_alive = excluded.door_alive, absent = excluded.absent
