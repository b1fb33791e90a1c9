-- The catalogue, first version. sql/mysql/0001-catalogue.sql has the same tables, columns and meaning.
-- Ids, sizes and seconds are 64-bit; a time is whole seconds and nanoseconds in two columns, so that both fit a double.
-- Names, paths and link targets are bytes: every text collation merges names that differ.

CREATE TABLE IF NOT EXISTS setting (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS node (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  path     TEXT NOT NULL,                -- the node's root as seen from a client; a client's configuration may say otherwise
  zone     TEXT NOT NULL DEFAULT '',
  state    TEXT NOT NULL DEFAULT 'rw',   -- rw, nc (no new files), ro, drain, down, dead
  since    INTEGER NOT NULL DEFAULT 0,   -- of the state
  uuid     TEXT NOT NULL,
  io       TEXT NOT NULL DEFAULT 'auto', -- auto, passthrough, carried
  capacity INTEGER NOT NULL DEFAULT 0,
  free     INTEGER NOT NULL DEFAULT 0,
  reserve  INTEGER NOT NULL DEFAULT -1,  -- bytes to keep free; -1: by default 2 % up to 1 GiB
  weight   INTEGER NOT NULL DEFAULT 100,
  seen_at  INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS class (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  position INTEGER NOT NULL,             -- the first class whose pattern matches the path wins
  pattern  TEXT NOT NULL,                -- a regular expression on the path from the root of the tree, without the first slash
  copies   INTEGER NOT NULL,
  zones    INTEGER NOT NULL DEFAULT 1,
  offsite  INTEGER NOT NULL DEFAULT 0,
  policy   TEXT NOT NULL DEFAULT 'most-free',
  trash    INTEGER NOT NULL DEFAULT 0    -- days; 0: unlink removes
);

CREATE TABLE IF NOT EXISTS file (
  id           INTEGER PRIMARY KEY,
  kind         INTEGER NOT NULL,         -- the DT_ value: 8 regular, 4 directory, 10 symlink, 1 fifo, 12 socket, 2 and 6 devices
  mode         INTEGER NOT NULL,         -- permission and set-id bits
  uid          INTEGER NOT NULL,
  gid          INTEGER NOT NULL,
  rdev         INTEGER NOT NULL DEFAULT 0,
  nlink        INTEGER NOT NULL,
  size         INTEGER NOT NULL DEFAULT 0,
  blocks       INTEGER NOT NULL DEFAULT 0,
  atime        INTEGER NOT NULL,
  atime_ns     INTEGER NOT NULL,
  mtime        INTEGER NOT NULL,
  mtime_ns     INTEGER NOT NULL,
  ctime        INTEGER NOT NULL,
  ctime_ns     INTEGER NOT NULL,
  version      INTEGER NOT NULL DEFAULT 0, -- 0: being created, never published
  hash         BLOB,                       -- SHA-256 of version hash_version
  hash_version INTEGER NOT NULL DEFAULT 0,
  class_id     INTEGER NOT NULL DEFAULT 0,
  target       BLOB,                       -- of a symlink
  flags        INTEGER NOT NULL DEFAULT 0  -- 1: has extended attributes
);

CREATE TABLE IF NOT EXISTS entry (
  parent_id INTEGER NOT NULL,
  name      BLOB NOT NULL,
  file_id   INTEGER NOT NULL,
  PRIMARY KEY (parent_id, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_file ON entry (file_id);

CREATE TABLE IF NOT EXISTS replica (
  file_id     INTEGER NOT NULL,
  node_id     INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  state       INTEGER NOT NULL,          -- 1 good, 2 wanted, 3 suspect, 4 surplus
  verified_at INTEGER,
  PRIMARY KEY (file_id, node_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS replica_work ON replica (node_id, state, file_id);

CREATE TABLE IF NOT EXISTS client (
  id        INTEGER PRIMARY KEY,
  host      TEXT NOT NULL,
  pid       INTEGER NOT NULL,
  started   TEXT NOT NULL,               -- boot id and the start time of that pid, so that a reused pid is told apart
  what      TEXT NOT NULL,
  joined    INTEGER NOT NULL,
  heartbeat INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS writer (
  file_id   INTEGER NOT NULL,
  client_id INTEGER NOT NULL,
  node_id   INTEGER NOT NULL,
  PRIMARY KEY (file_id, client_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS writer_client ON writer (client_id);

CREATE TABLE IF NOT EXISTS intent (
  id        INTEGER PRIMARY KEY,
  node_id   INTEGER NOT NULL,
  op        TEXT NOT NULL,               -- unlink, rmdir, rename, link, symlink, attributes
  path      BLOB NOT NULL,
  to_path   BLOB,
  file_id   INTEGER NOT NULL,
  client_id INTEGER,                     -- who is carrying it out; NULL: left for whoever settles the node
  token     INTEGER NOT NULL,             -- the maker's number for the transaction it belongs to
  created   INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS intent_node ON intent (node_id, id);
CREATE INDEX IF NOT EXISTS intent_path ON intent (node_id, path);

CREATE TABLE IF NOT EXISTS `change` (
  seq       INTEGER PRIMARY KEY,
  at        INTEGER NOT NULL,
  client_id INTEGER NOT NULL,
  op        TEXT NOT NULL,
  parent_id INTEGER,
  name      BLOB,
  file_id   INTEGER,
  detail    BLOB
);

CREATE TABLE IF NOT EXISTS xattr (
  file_id INTEGER NOT NULL,
  name    BLOB NOT NULL,
  value   BLOB NOT NULL,
  PRIMARY KEY (file_id, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS lease (
  name      TEXT NOT NULL PRIMARY KEY,
  client_id INTEGER NOT NULL,
  token     INTEGER NOT NULL,            -- grows with each holder: a late one can be told
  until_at  INTEGER NOT NULL
) WITHOUT ROWID;
