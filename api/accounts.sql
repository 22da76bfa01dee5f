-- account_of_token --
-- Who holds a token, with what they may do and see.
SELECT a.id, a.username, a.display_name, a.role, a.all_estates,
       ARRAY(SELECT p.action FROM role_permission p WHERE p.role = a.role ORDER BY 1) AS actions,
       ARRAY(SELECT e.estate_id FROM account_estate e WHERE e.account_id = a.id ORDER BY 1) AS estate_ids,
       s.kind, s.csrf, s.token_hash
FROM login_session s
JOIN account a ON a.id = s.account_id
WHERE s.token_hash = %(token_hash)s AND s.expires_at > %(now)s AND a.active

-- account_to_verify --
SELECT id, username, password_hash, active FROM account WHERE username = %(username)s

-- locked_until --
SELECT locked_until FROM login_failure WHERE name_hash = %(name_hash)s AND locked_until > %(now)s

-- count_failure --
-- From the last free failure on, the name waits, twice as long each time.
INSERT INTO login_failure AS f (name_hash, failures, last_at, locked_until)
VALUES (%(name_hash)s, 1, %(now)s, CASE WHEN %(failures_free)s = 1 THEN %(now)s + %(wait_first)s END)
ON CONFLICT (name_hash) DO UPDATE
SET failures = CASE WHEN f.last_at < %(forget_before)s THEN 1 ELSE f.failures + 1 END,
    last_at = %(now)s,
    locked_until = CASE
        WHEN f.last_at < %(forget_before)s OR f.failures + 1 < %(failures_free)s THEN NULL
        ELSE %(now)s + least(%(wait_first)s * power(2, least(f.failures + 1 - %(failures_free)s, 20)),
                             %(wait_longest)s) END

-- forget_failures --
DELETE FROM login_failure WHERE name_hash = %(name_hash)s OR last_at < %(forget_before)s

-- renew_hash --
UPDATE account SET password_hash = %(password_hash)s WHERE id = %(id)s

-- start_session --
INSERT INTO login_session (token_hash, account_id, kind, csrf, created_at, expires_at)
VALUES (%(token_hash)s, %(account_id)s, %(kind)s, %(csrf)s, %(now)s, %(expires_at)s)

-- end_session --
DELETE FROM login_session WHERE token_hash = %(token_hash)s

-- sweep_sessions --
DELETE FROM login_session WHERE expires_at <= %(now)s

-- insert_account --
INSERT INTO account (username, display_name, password_hash, role, all_estates, created_at)
VALUES (%(username)s, %(display_name)s, %(password_hash)s, %(role)s, %(all_estates)s, %(now)s)
RETURNING id

-- give_estates --
INSERT INTO account_estate (account_id, estate_id)
SELECT %(account_id)s, e.id FROM estate e WHERE e.code = ANY(%(codes)s)
RETURNING estate_id

-- list_accounts --
SELECT a.username, a.display_name, a.role, a.all_estates, a.active, a.created_at,
       ARRAY(SELECT e.code FROM account_estate x JOIN estate e ON e.id = x.estate_id
             WHERE x.account_id = a.id ORDER BY 1) AS estates
FROM account a
ORDER BY a.username

-- roles --
SELECT code FROM role ORDER BY code

-- set_password --
UPDATE account SET password_hash = %(password_hash)s WHERE username = %(username)s RETURNING id

-- set_active --
UPDATE account SET active = %(active)s WHERE username = %(username)s RETURNING id

-- end_sessions_of --
DELETE FROM login_session WHERE account_id = %(account_id)s
