-- upsert_households --
INSERT INTO household (code, size, elder_alone)
SELECT * FROM unnest(%(code)s::text[], %(size)s::smallint[], %(elder_alone)s::boolean[])
ON CONFLICT (code) DO UPDATE SET size = excluded.size, elder_alone = excluded.elder_alone
WHERE (household.size, household.elder_alone) IS DISTINCT FROM (excluded.size, excluded.elder_alone)
RETURNING xmax = 0

-- unknown_households --
SELECT r.n::integer - 1, r.household
FROM unnest(%(household)s::text[]) WITH ORDINALITY AS r (household, n)
WHERE r.household IS NOT NULL AND NOT EXISTS (SELECT FROM household h WHERE h.code = r.household)
ORDER BY r.n

-- stored_residents --
SELECT code, name_enc, phone_enc, id_no_enc FROM resident WHERE code = ANY(%(code)s)

-- upsert_residents --
INSERT INTO resident (code, household_id, subject, name_enc, phone_enc, id_no_enc, id_no_hash)
SELECT r.code, h.id, r.subject, r.name_enc, r.phone_enc, r.id_no_enc, r.id_no_hash
FROM unnest(%(code)s::text[], %(household)s::text[], %(subject)s::text[], %(name_enc)s::bytea[],
            %(phone_enc)s::bytea[], %(id_no_enc)s::bytea[], %(id_no_hash)s::bytea[])
     AS r (code, household, subject, name_enc, phone_enc, id_no_enc, id_no_hash)
LEFT JOIN household h ON h.code = r.household
ON CONFLICT (code) DO UPDATE
SET household_id = excluded.household_id, subject = excluded.subject, name_enc = excluded.name_enc,
    phone_enc = excluded.phone_enc, id_no_enc = excluded.id_no_enc, id_no_hash = excluded.id_no_hash
WHERE (resident.household_id, resident.subject, resident.name_enc, resident.phone_enc, resident.id_no_enc,
       resident.id_no_hash)
      IS DISTINCT FROM (excluded.household_id, excluded.subject, excluded.name_enc, excluded.phone_enc,
                        excluded.id_no_enc, excluded.id_no_hash)
RETURNING xmax = 0

-- residents_of_unit --
-- Who is registered in a home at a moment.
SELECT r.id, r.code, r.name_enc, r.phone_enc, r.id_no_enc, o.relation, o.starts_at, o.ends_at
FROM occupant o
JOIN resident r ON r.id = o.resident_id
JOIN unit u ON u.id = o.unit_id
WHERE o.unit_id = %(unit_id)s
  AND (%(everything)s OR u.estate_id = ANY(%(estate_ids)s))
  AND o.starts_at <= %(at)s AND (o.ends_at IS NULL OR o.ends_at > %(at)s)
ORDER BY r.code

-- resident --
-- In scope: registered in a home that the reader may see, whenever that was.
SELECT r.id, r.code, r.name_enc, r.phone_enc, r.id_no_enc
FROM resident r
WHERE r.code = %(code)s
  AND (%(everything)s OR EXISTS (
        SELECT FROM occupant o JOIN unit u ON u.id = o.unit_id
        WHERE o.resident_id = r.id AND u.estate_id = ANY(%(estate_ids)s)))
