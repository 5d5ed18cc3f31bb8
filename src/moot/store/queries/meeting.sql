-- name: find_meeting
-- Read a meeting by its Meeting ID (unique).
SELECT {meeting} FROM meeting WHERE id = :id;

-- name: insert_meeting
-- Create unless the Meeting ID is taken: the unique key `meeting_id_key` decides, no earlier look (MEET-3).
INSERT INTO meeting ({meeting}) VALUES ({:meeting})
ON CONFLICT (id) DO NOTHING
RETURNING {meeting};

-- name: lock_meeting
-- Read a meeting and hold its row; SQLite has one writer at a time and needs no lock.
SELECT {meeting} FROM meeting WHERE id = :id /*postgres FOR NO KEY UPDATE */;

-- name: update_settings
-- Replace the settings if nobody else has since `expected_version` was read.
UPDATE meeting
SET title = :title, lobby = :lobby, locked = :locked, guests_may_share = :guests_may_share,
    guests_may_chat = :guests_may_chat, guests_may_unmute = :guests_may_unmute,
    max_participants = :max_participants, passcode_hash = :passcode_hash, version = version + 1
WHERE uid = :uid AND version = :expected_version
RETURNING {meeting};

-- name: end_run
-- End a run once: a second end of the same run finds another number.
UPDATE meeting SET run = run + 1, ended_at = :at WHERE uid = :uid AND run = :run
RETURNING {meeting};

-- name: touch_meeting
-- Note that somebody is there, for retention.
UPDATE meeting SET active_at = :at WHERE uid = :uid;

-- name: list_meetings
-- Read a page of meetings in the order of their Meeting ID.
SELECT {meeting} FROM meeting WHERE id > :after ORDER BY id LIMIT :limit;
