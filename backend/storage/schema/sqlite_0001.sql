-- Timestamps are ISO 8601 UTC text of fixed width, so their order as text is their order in time.

CREATE TABLE experiments (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    experiment_type TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    parameters TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
-- The newest first, page by page, and the activity of the last days, without reading the rows themselves.
CREATE INDEX experiments_newest ON experiments (user_id, created_at DESC, id DESC, status);
CREATE INDEX experiments_newest_of_all ON experiments (created_at DESC, id DESC);
-- The counts by type and status, out of the index alone.
CREATE INDEX experiments_counts ON experiments (user_id, experiment_type, status);

CREATE TABLE conversations (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX conversations_newest ON conversations (user_id, updated_at DESC, id DESC);

CREATE TABLE messages (
    id TEXT PRIMARY KEY NOT NULL,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    content TEXT NOT NULL,
    client_message_id TEXT,
    status TEXT NOT NULL DEFAULT 'complete',
    created_at TEXT NOT NULL,
    sources TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX messages_in_order ON messages (conversation_id, created_at, id);
-- A message sent twice is one message.
CREATE UNIQUE INDEX messages_once ON messages (user_id, client_message_id) WHERE client_message_id IS NOT NULL;

CREATE TABLE audit_log (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL DEFAULT '',
    details TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL
);
CREATE INDEX audit_log_newest ON audit_log (created_at DESC, id DESC);
