-- Experiments are deleted softly: the row stays, marked, and can be restored for a while.
ALTER TABLE experiments ADD COLUMN deleted_at TEXT;

-- As before, but among those that are there (or among those that are deleted).
DROP INDEX experiments_newest;
CREATE INDEX experiments_newest ON experiments (user_id, deleted_at, created_at DESC, id DESC, status);
DROP INDEX experiments_newest_of_all;
CREATE INDEX experiments_newest_of_all ON experiments (deleted_at, created_at DESC, id DESC);
DROP INDEX experiments_counts;
CREATE INDEX experiments_counts ON experiments (user_id, deleted_at, experiment_type, status);
