-- What doors over HTTP agree on. sql/mysql/0007-dav.sql has the same tables, columns and meaning.

-- Locks of WebDAV clients. There are never many: whoever asks reads them all.
CREATE TABLE IF NOT EXISTS dav_lock (
  token     TEXT NOT NULL PRIMARY KEY,   -- a URN, as the client is told
  path      BLOB NOT NULL,               -- what is locked, by its path in the tree
  deep      INTEGER NOT NULL,            -- 1: and everything below it
  exclusive INTEGER NOT NULL,
  owner     BLOB NOT NULL,               -- XML, as the client said it
  holder    TEXT NOT NULL,               -- who has it: the name of a token of the door
  until_at  INTEGER NOT NULL
) WITHOUT ROWID;

-- Uploads that may go on after a pause, at whichever door. Their content lies on a node below .cairn/uploads/kept/.
CREATE TABLE IF NOT EXISTS upload (
  id         TEXT NOT NULL PRIMARY KEY,
  node_id    INTEGER NOT NULL,
  path       BLOB NOT NULL,              -- where it is to be
  length     INTEGER NOT NULL,           -- -1: not said yet
  metadata   TEXT NOT NULL,              -- as the client said it
  holder     TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS upload_expires ON upload (expires_at);
