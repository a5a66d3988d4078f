-- The outbox: a file of its own, because it must take writes just when the database cannot.

CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    table_name TEXT NOT NULL,
    record_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    request TEXT NOT NULL,
    size INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'set_aside')),
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    queued_at TEXT NOT NULL,
    tried_at TEXT
);
CREATE INDEX IF NOT EXISTS entries_in_order ON entries (state, seq);
CREATE INDEX IF NOT EXISTS entries_of_owner ON entries (owner, state, seq);
CREATE INDEX IF NOT EXISTS entries_of_record ON entries (table_name, record_id, state, seq);

-- Counted as they come and go: the limits are checked at every write.
CREATE TABLE IF NOT EXISTS totals (owner TEXT PRIMARY KEY NOT NULL, entries INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS entries_come AFTER INSERT ON entries BEGIN
    INSERT INTO totals VALUES (NEW.owner, 1, NEW.size)
    ON CONFLICT (owner) DO UPDATE SET entries = entries + 1, bytes = bytes + NEW.size;
END;
CREATE TRIGGER IF NOT EXISTS entries_go AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, bytes = bytes - OLD.size WHERE owner = OLD.owner;
    DELETE FROM totals WHERE owner = OLD.owner AND entries <= 0;
END;

-- One process at a time replays; one that has died loses its lease by time.
CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY NOT NULL, holder TEXT NOT NULL, until REAL NOT NULL);
