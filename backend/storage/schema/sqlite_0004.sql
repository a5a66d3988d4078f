-- Scans, what they found, what people watch, and alerts. Texts that are sorted by have a fixed width.

CREATE TABLE scans (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL,
    experiment_id TEXT,
    name TEXT NOT NULL,
    filename TEXT NOT NULL DEFAULT '',
    format TEXT NOT NULL,
    tool TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    counts TEXT NOT NULL DEFAULT '{}',
    notes TEXT NOT NULL DEFAULT '{}',
    joined TEXT NOT NULL DEFAULT '{}',
    error TEXT NOT NULL DEFAULT 'null',
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    updated_at TEXT NOT NULL
);
CREATE INDEX scans_newest ON scans (user_id, created_at DESC, id DESC);
CREATE INDEX scans_by_status ON scans (status, user_id);

CREATE TABLE findings (
    id TEXT PRIMARY KEY NOT NULL,
    scan_id TEXT NOT NULL REFERENCES scans (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    vulnerability TEXT NOT NULL,
    severity TEXT NOT NULL,
    known_exploited TEXT NOT NULL DEFAULT 'no' CHECK (known_exploited IN ('yes', 'no')),
    rank TEXT NOT NULL,
    component TEXT NOT NULL DEFAULT '',
    location TEXT NOT NULL DEFAULT '',
    search TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL DEFAULT '{}',
    updated_at TEXT NOT NULL
);
-- The list of a scan in its order, its counts, and who has a vulnerability that was not known to be exploited.
CREATE INDEX findings_ranked ON findings (scan_id, rank, id);
CREATE INDEX findings_counts ON findings (scan_id, severity, known_exploited);
CREATE INDEX findings_watched ON findings (known_exploited, vulnerability, user_id, scan_id);

CREATE TABLE watch_list (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('vulnerability', 'product')),
    term TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX watch_list_once ON watch_list (user_id, kind, term);
CREATE INDEX watch_list_newest ON watch_list (user_id, created_at DESC, id DESC);

CREATE TABLE alerts (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'raised' CHECK (status IN ('raised', 'acknowledged', 'resolved')),
    severity TEXT NOT NULL,
    title TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    details TEXT NOT NULL DEFAULT '{}',
    delivery TEXT NOT NULL DEFAULT 'none' CHECK (delivery IN ('none', 'pending', 'delivered')),
    raised_at TEXT NOT NULL,
    acknowledged_at TEXT,
    resolved_at TEXT,
    updated_at TEXT NOT NULL
);
-- One alert for a rule and its subject, however often it is hit.
CREATE UNIQUE INDEX alerts_once ON alerts (user_id, rule, subject);
CREATE INDEX alerts_newest ON alerts (user_id, raised_at DESC, id DESC, status);
CREATE INDEX alerts_to_deliver ON alerts (delivery, raised_at);
