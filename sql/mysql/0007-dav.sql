-- What doors over HTTP agree on. sql/sqlite/0007-dav.sql has the same tables, columns and meaning.

-- Locks of WebDAV clients. There are never many: whoever asks reads them all.
CREATE TABLE IF NOT EXISTS dav_lock (
  token     VARCHAR(64) NOT NULL PRIMARY KEY, -- a URN, as the client is told
  path      BLOB NOT NULL,                    -- what is locked, by its path in the tree
  deep      INT NOT NULL,                     -- 1: and everything below it
  exclusive INT NOT NULL,
  owner     BLOB NOT NULL,                    -- XML, as the client said it
  holder    VARCHAR(255) NOT NULL,            -- who has it: the name of a token of the door
  until_at  BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Uploads that may go on after a pause, at whichever door. Their content lies on a node below .cairn/uploads/kept/.
CREATE TABLE IF NOT EXISTS upload (
  id         VARCHAR(64) NOT NULL PRIMARY KEY,
  node_id    BIGINT NOT NULL,
  path       BLOB NOT NULL,                   -- where it is to be
  length     BIGINT NOT NULL,                 -- -1: not said yet
  metadata   TEXT NOT NULL,                   -- as the client said it
  holder     VARCHAR(255) NOT NULL,
  expires_at BIGINT NOT NULL,
  INDEX upload_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
