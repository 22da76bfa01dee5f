-- any_there --
-- Whether a key of a series may be there already: then the staging table is the shorter way.
SELECT EXISTS (
    SELECT FROM reading
    WHERE device_id = %(device_id)s AND channel = %(channel)s AND time BETWEEN %(first)s AND %(last)s
)
