-- name: insert_message
-- Post unless the id is taken (primary key): a repeat posts once.
INSERT INTO message ({message}) VALUES ({:message})
ON CONFLICT (id) DO NOTHING
RETURNING {message};

-- name: find_message
-- Read by id, within one meeting only.
SELECT {message} FROM message WHERE id = :id AND meeting_uid = :meeting_uid;

-- name: update_message
-- Edit or delete: the row stays.
UPDATE message SET text = :text, edited_at = :edited_at, deleted_at = :deleted_at WHERE id = :id
RETURNING {message};

-- name: list_messages
-- Read the newest of a run that a reader may see, newest first.
SELECT {message} FROM message
WHERE meeting_uid = :meeting_uid AND run = :run
  AND ("to" IS NULL OR "to" = :reader OR participant_id = :reader)
ORDER BY event_seq DESC LIMIT :limit;

-- name: list_messages_before
-- The same before one message; none if that message does not exist.
SELECT {message} FROM message
WHERE meeting_uid = :meeting_uid AND run = :run
  AND ("to" IS NULL OR "to" = :reader OR participant_id = :reader)
  AND event_seq < (
    SELECT pivot.event_seq FROM message AS pivot
    WHERE pivot.id = :before AND pivot.meeting_uid = :meeting_uid
  )
ORDER BY event_seq DESC LIMIT :limit;
