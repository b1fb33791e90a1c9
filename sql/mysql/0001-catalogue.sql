-- The catalogue, first version. sql/sqlite/0001-catalogue.sql has the same tables, columns and meaning.
-- (commit_token is the driver's own and only here.)
-- Ids, sizes and seconds are 64-bit; a time is whole seconds and nanoseconds in two columns, so that both fit a double.
-- Names, paths and link targets are bytes: every text collation merges names that differ.

CREATE TABLE IF NOT EXISTS setting (
  name  VARCHAR(255) NOT NULL PRIMARY KEY,
  value VARCHAR(1024) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS node (
  id       BIGINT NOT NULL PRIMARY KEY,
  name     VARCHAR(255) NOT NULL UNIQUE,
  path     VARCHAR(4096) NOT NULL,                -- the node's root as seen from a client; a client's configuration may say otherwise
  zone     VARCHAR(255) NOT NULL DEFAULT '',
  state    VARCHAR(255) NOT NULL DEFAULT 'rw',   -- rw, nc (no new files), ro, drain, down, dead
  since    BIGINT NOT NULL DEFAULT 0,   -- of the state
  uuid     VARCHAR(255) NOT NULL,
  io       VARCHAR(255) NOT NULL DEFAULT 'auto', -- auto, passthrough, carried
  capacity BIGINT NOT NULL DEFAULT 0,
  free     BIGINT NOT NULL DEFAULT 0,
  reserve  BIGINT NOT NULL DEFAULT -1,  -- bytes to keep free; -1: by default 2 % up to 1 GiB
  weight   BIGINT NOT NULL DEFAULT 100,
  seen_at  BIGINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS class (
  id       BIGINT NOT NULL PRIMARY KEY,
  name     VARCHAR(255) NOT NULL UNIQUE,
  position BIGINT NOT NULL,             -- the first class whose pattern matches the path wins
  pattern  VARCHAR(1024) NOT NULL,                -- a regular expression on the path from the root of the tree, without the first slash
  copies   BIGINT NOT NULL,
  zones    BIGINT NOT NULL DEFAULT 1,
  offsite  BIGINT NOT NULL DEFAULT 0,
  policy   VARCHAR(255) NOT NULL DEFAULT 'most-free',
  trash    BIGINT NOT NULL DEFAULT 0    -- days; 0: unlink removes
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS file (
  id           BIGINT NOT NULL PRIMARY KEY,
  kind         BIGINT NOT NULL,         -- the DT_ value: 8 regular, 4 directory, 10 symlink, 1 fifo, 12 socket, 2 and 6 devices
  mode         BIGINT NOT NULL,         -- permission and set-id bits
  uid          BIGINT NOT NULL,
  gid          BIGINT NOT NULL,
  rdev         BIGINT NOT NULL DEFAULT 0,
  nlink        BIGINT NOT NULL,
  size         BIGINT NOT NULL DEFAULT 0,
  blocks       BIGINT NOT NULL DEFAULT 0,
  atime        BIGINT NOT NULL,
  atime_ns     BIGINT NOT NULL,
  mtime        BIGINT NOT NULL,
  mtime_ns     BIGINT NOT NULL,
  ctime        BIGINT NOT NULL,
  ctime_ns     BIGINT NOT NULL,
  version      BIGINT NOT NULL DEFAULT 0, -- 0: being created, never published
  hash         VARBINARY(64),                       -- SHA-256 of version hash_version
  hash_version BIGINT NOT NULL DEFAULT 0,
  class_id     BIGINT NOT NULL DEFAULT 0,
  target       BLOB,                       -- of a symlink
  flags        BIGINT NOT NULL DEFAULT 0  -- 1: has extended attributes
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS entry (
  parent_id BIGINT NOT NULL,
  name      VARBINARY(255) NOT NULL,
  file_id   BIGINT NOT NULL,
  PRIMARY KEY (parent_id, name),
  INDEX entry_file (file_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS replica (
  file_id     BIGINT NOT NULL,
  node_id     BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  state       BIGINT NOT NULL,          -- 1 good, 2 wanted, 3 suspect, 4 surplus
  verified_at BIGINT,
  PRIMARY KEY (file_id, node_id),
  INDEX replica_work (node_id, state, file_id),
  -- Oldest proof first: what was never proved comes before everything else.
  INDEX replica_proof (node_id, verified_at, file_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS client (
  id        BIGINT NOT NULL PRIMARY KEY,
  host      VARCHAR(255) NOT NULL,
  pid       BIGINT NOT NULL,
  started   VARCHAR(255) NOT NULL,               -- boot id and the start time of that pid, so that a reused pid is told apart
  what      VARCHAR(255) NOT NULL,
  joined    BIGINT NOT NULL,
  heartbeat BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS writer (
  file_id   BIGINT NOT NULL,
  client_id BIGINT NOT NULL,
  node_id   BIGINT NOT NULL,
  PRIMARY KEY (file_id, client_id),
  INDEX writer_client (client_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS intent (
  id        BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  node_id   BIGINT NOT NULL,
  op        VARCHAR(255) NOT NULL,               -- unlink, rmdir, rename, link, symlink, attributes
  path      BLOB NOT NULL,
  to_path   BLOB,
  file_id   BIGINT NOT NULL,
  client_id BIGINT,                     -- who is carrying it out; NULL: left for whoever settles the node
  token     BIGINT NOT NULL,             -- the maker's number for the transaction it belongs to
  created   BIGINT NOT NULL,
  INDEX intent_node (node_id, id),
  INDEX intent_path (node_id, path(255))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `change` (
  seq       BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at        BIGINT NOT NULL,
  client_id BIGINT NOT NULL,
  op        VARCHAR(255) NOT NULL,
  parent_id BIGINT,
  name      VARBINARY(255),
  file_id   BIGINT,
  detail    BLOB
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS xattr (
  file_id BIGINT NOT NULL,
  name    VARBINARY(255) NOT NULL,
  value   MEDIUMBLOB NOT NULL,
  PRIMARY KEY (file_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS lease (
  name      VARCHAR(255) NOT NULL PRIMARY KEY,
  client_id BIGINT NOT NULL,
  token     BIGINT NOT NULL,            -- grows with each holder: a late one can be told
  until_at  BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row per connection that writes: which of its transactions was the last to be committed. Asked only when the answer to a
-- COMMIT was lost.
CREATE TABLE IF NOT EXISTS commit_token (
  id      BIGINT NOT NULL PRIMARY KEY,
  n       BIGINT NOT NULL,
  touched BIGINT NOT NULL,              -- rows, by the statement before
  at      BIGINT NOT NULL,              -- when the connection made it
  INDEX commit_token_at (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
