-- What replicators need to remember. sql/sqlite/0002-replicators.sql has the same tables, columns and meaning.

-- A kind of work, of a node or of the whole tree: how far it came, what its last run did. One row each, kept for ever.
CREATE TABLE IF NOT EXISTS job (
  name     VARCHAR(255) NOT NULL PRIMARY KEY, -- 'walk:1' of node 1, 'rebalance' of the whole tree
  state    VARCHAR(255) NOT NULL,             -- running, paused, done, failed
  started  BIGINT NOT NULL DEFAULT 0,         -- of the last run
  ended    BIGINT NOT NULL DEFAULT 0,         -- 0: not yet, or it was killed
  position BLOB,                              -- where a run that was stopped goes on; NULL: from the start
  summary  TEXT NOT NULL                      -- JSON: what the last run counted
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What was found on a node and could not be what the catalogue says: kept aside, for the keeper to decide.
CREATE TABLE IF NOT EXISTS conflict (
  id      BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  node_id BIGINT NOT NULL,
  path    BLOB NOT NULL,                      -- where it stood
  aside   BLOB,                               -- where it is kept on the node; NULL: it was left where it stood
  file_id BIGINT NOT NULL DEFAULT 0,          -- what the catalogue has under that path; 0: nothing
  reason  VARCHAR(255) NOT NULL,              -- differs, damaged, stray
  size    BIGINT NOT NULL DEFAULT 0,
  mtime   BIGINT NOT NULL DEFAULT 0,
  found   BIGINT NOT NULL,
  INDEX conflict_node (node_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What verification did, by day (days since 1970).
CREATE TABLE IF NOT EXISTS verify_day (
  node_id BIGINT NOT NULL,
  day     BIGINT NOT NULL,
  files   BIGINT NOT NULL DEFAULT 0,
  bytes   BIGINT NOT NULL DEFAULT 0,
  bad     BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (node_id, day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
