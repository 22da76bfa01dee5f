-- probe --
-- What the server could give and what the database has; works on any PostgreSQL.
SELECT a.default_version, e.extversion,
       coalesce(current_setting('timescaledb.license', true), '')
FROM (SELECT 1) one
LEFT JOIN pg_available_extensions a ON a.name = 'timescaledb'
LEFT JOIN pg_extension e ON e.extname = 'timescaledb'

-- hypertables --
-- Those of our search path, with the length of a chunk.
SELECT c.relname, d.time_interval
FROM timescaledb_information.hypertables h
JOIN timescaledb_information.dimensions d USING (hypertable_schema, hypertable_name)
JOIN pg_class c ON c.oid = (quote_ident(h.hypertable_schema) || '.' || quote_ident(h.hypertable_name))::regclass
WHERE pg_table_is_visible(c.oid) AND d.dimension_number = 1

-- create --
-- Without its own index on time, which costs a quarter of the ingest rate and serves no query of ours.
SELECT create_hypertable(%(table)s::text::regclass, by_range(%(column)s, %(chunk)s::interval),
                         create_default_indexes => false, migrate_data => true)

-- set_chunk --
SELECT set_chunk_time_interval(%(table)s::text::regclass, %(chunk)s::interval)

-- columnstore --
-- How the columnstore of a table is laid out; no row: it has none.
SELECT coalesce(segmentby, ''), coalesce(orderby, '')
FROM timescaledb_information.hypertable_columnstore_settings
WHERE hypertable = %(table)s::text::regclass

-- jobs --
SELECT j.job_id, (j.config->>'compress_after')::interval
FROM timescaledb_information.jobs j
WHERE j.proc_name = 'policy_compression'
  AND (quote_ident(j.hypertable_schema) || '.' || quote_ident(j.hypertable_name))::regclass = %(table)s::text::regclass

-- remove_job --
CALL remove_columnstore_policy(%(table)s::text::regclass)

-- add_job --
CALL add_columnstore_policy(%(table)s::text::regclass, after => %(after)s::interval)

-- drop --
-- Whole chunks that end before: a moment, or a day where chunks are cut by day.
SELECT count(*) FROM drop_chunks(%(table)s::text::regclass, older_than => %(before)s)
