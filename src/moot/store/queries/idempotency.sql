-- name: insert_idempotency
-- Keep the first answer of a key (primary key: person and key).
INSERT INTO idempotency (person_id, idempotency_key, fingerprint, response, at)
VALUES (:person_id, :idempotency_key, :fingerprint, :response, :at)
ON CONFLICT (person_id, idempotency_key) DO NOTHING
RETURNING at;

-- name: find_idempotency
-- Read the first answer of a key.
SELECT fingerprint, response FROM idempotency
WHERE person_id = :person_id AND idempotency_key = :idempotency_key;
