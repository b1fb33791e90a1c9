-- What replicators need to remember. sql/mysql/0002-replicators.sql has the same tables, columns and meaning.

-- Oldest proof first: what was never proved comes before everything else.
CREATE INDEX IF NOT EXISTS replica_proof ON replica (node_id, verified_at, file_id);

-- A kind of work, of a node or of the whole tree: how far it came, what its last run did. One row each, kept for ever.
CREATE TABLE IF NOT EXISTS job (
  name     TEXT NOT NULL PRIMARY KEY,    -- 'walk:1' of node 1, 'rebalance' of the whole tree
  state    TEXT NOT NULL,                -- running, paused, done, failed
  started  INTEGER NOT NULL DEFAULT 0,   -- of the last run
  ended    INTEGER NOT NULL DEFAULT 0,   -- 0: not yet, or it was killed
  position BLOB,                         -- where a run that was stopped goes on; NULL: from the start
  summary  TEXT NOT NULL DEFAULT '{}'    -- JSON: what the last run counted
) WITHOUT ROWID;

-- What was found on a node and could not be what the catalogue says: kept aside, for the keeper to decide.
CREATE TABLE IF NOT EXISTS conflict (
  id      INTEGER PRIMARY KEY,
  node_id INTEGER NOT NULL,
  path    BLOB NOT NULL,                 -- where it stood
  aside   BLOB,                          -- where it is kept on the node; NULL: it was left where it stood
  file_id INTEGER NOT NULL DEFAULT 0,    -- what the catalogue has under that path; 0: nothing
  reason  TEXT NOT NULL,                 -- differs, damaged, stray
  size    INTEGER NOT NULL DEFAULT 0,
  mtime   INTEGER NOT NULL DEFAULT 0,
  found   INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS conflict_node ON conflict (node_id, id);

-- What verification did, by day (days since 1970).
CREATE TABLE IF NOT EXISTS verify_day (
  node_id INTEGER NOT NULL,
  day     INTEGER NOT NULL,
  files   INTEGER NOT NULL DEFAULT 0,
  bytes   INTEGER NOT NULL DEFAULT 0,
  bad     INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (node_id, day)
) WITHOUT ROWID;
