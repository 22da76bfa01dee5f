-- device --
SELECT id, status = 'active' FROM device WHERE code = %(code)s FOR NO KEY UPDATE

-- issue --
INSERT INTO credential (device_id, kind, hash, serial, issued_at, issued_by)
VALUES (%(device_id)s, %(kind)s, %(hash)s, %(serial)s, %(now)s, %(by)s)

-- revoke --
UPDATE credential SET revoked_at = %(now)s
WHERE device_id = %(device_id)s AND kind = %(kind)s AND revoked_at IS NULL
RETURNING id

-- hash --
SELECT c.hash
FROM credential c
JOIN device d ON d.id = c.device_id
WHERE d.code = %(code)s AND c.kind = %(kind)s AND c.revoked_at IS NULL AND d.status = 'active'

-- in_force --
SELECT d.code, c.hash
FROM credential c
JOIN device d ON d.id = c.device_id
WHERE c.kind = %(kind)s AND c.revoked_at IS NULL AND d.status = 'active'
  AND d.code <> ALL (%(services)s)
ORDER BY d.code

-- revoked_certificates --
-- A retired device's certificate is as good as revoked; the day it was retired is not known here.
-- One in the name of a service of ours would be let in as that service.
SELECT c.serial, coalesce(c.revoked_at, c.issued_at)
FROM credential c
JOIN device d ON d.id = c.device_id
WHERE c.kind = 'certificate' AND (c.revoked_at IS NOT NULL OR d.status <> 'active' OR d.code = ANY (%(services)s))
ORDER BY c.id

-- shut_out --
-- Retired devices, and those that had a way in and have none now. What is refused to a name is refused to the
-- service of ours that has it.
SELECT d.code
FROM device d
WHERE d.code <> ALL (%(services)s)
  AND (d.status <> 'active'
       OR (EXISTS (SELECT FROM credential c WHERE c.device_id = d.id AND c.kind <> 'http')
           AND NOT EXISTS (SELECT FROM credential c
                           WHERE c.device_id = d.id AND c.kind <> 'http' AND c.revoked_at IS NULL)))
ORDER BY d.code
