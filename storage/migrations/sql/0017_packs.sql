-- ingest: a row of the journal may be a pack, which holds the blocks `first_id` to `id` together. It stands
-- where its last block stood, so that it goes when the time of all of them is over.
ALTER TABLE journal
    ADD COLUMN first_id bigint,           -- null: a single block
    ADD COLUMN first_at timestamptz;      -- arrival of the first message
CREATE INDEX journal_pack ON journal (first_id) WHERE first_id IS NOT NULL;
