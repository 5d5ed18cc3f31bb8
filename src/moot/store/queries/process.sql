-- name: upsert_process
-- Announce a process or what has changed about it.
INSERT INTO process ({process}) VALUES ({:process})
ON CONFLICT (id) DO UPDATE
SET started_at = excluded.started_at, heartbeat_at = excluded.heartbeat_at,
    media_url = excluded.media_url, draining = excluded.draining;

-- name: heartbeat
-- Stay alive; no row means that this process was declared dead.
UPDATE process SET heartbeat_at = :at WHERE id = :id RETURNING id;

-- name: delete_process
-- Forget a process.
DELETE FROM process WHERE id = :id;

-- name: list_processes
-- Read the living ones, oldest first.
SELECT {process} FROM process WHERE heartbeat_at >= :alive_since ORDER BY started_at, id;
