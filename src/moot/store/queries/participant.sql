-- name: find_participant
-- Read a person's one row in a meeting (unique).
SELECT {participant} FROM participant WHERE meeting_uid = :meeting_uid AND person_id = :person_id;

-- name: find_participant_by_id
-- Read by id, within one meeting only.
SELECT {participant} FROM participant WHERE id = :id AND meeting_uid = :meeting_uid;

-- name: upsert_participant
-- Join or rejoin: the unique key `participant_person_key` makes N joins of one person one row (JOIN-1, JOIN-2).
INSERT INTO participant ({participant}) VALUES ({:participant})
ON CONFLICT (meeting_uid, person_id) DO UPDATE
SET name = excluded.name, status = excluded.status, changed_at = excluded.changed_at,
    run = excluded.run, fence = participant.fence + 1, audio = excluded.audio,
    video = excluded.video, screen = excluded.screen,
    microphone_connection = excluded.microphone_connection,
    screen_connection = excluded.screen_connection, hand_at = excluded.hand_at,
    admitted = excluded.admitted, verified = excluded.verified, left_at = excluded.left_at,
    twin = excluded.twin
RETURNING {participant};

-- name: update_participant
-- Write what may change about a person; id, person, first join and fence may not.
UPDATE participant
SET name = :name, role = :role, status = :status, changed_at = :changed_at, run = :run,
    audio = :audio, video = :video, screen = :screen,
    microphone_connection = :microphone_connection, screen_connection = :screen_connection,
    hand_at = :hand_at, admitted = :admitted, verified = :verified, left_at = :left_at,
    twin = :twin
WHERE id = :id
RETURNING {participant};

-- name: list_participants
-- Read those with one of the statuses, first come first.
SELECT {participant} FROM participant
WHERE meeting_uid = :meeting_uid AND status IN (:statuses[])
ORDER BY joined_at, id;

-- name: count_participants
-- Count those with one of the statuses.
SELECT count(*) FROM participant WHERE meeting_uid = :meeting_uid AND status IN (:statuses[]);

-- name: count_hosts
-- Count hosts, present or not, that could come back (HOST-2).
SELECT count(*) FROM participant
WHERE meeting_uid = :meeting_uid AND role = 'host' AND status <> 'removed';
