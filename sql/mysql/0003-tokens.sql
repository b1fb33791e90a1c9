-- Who may come in over HTTP. sql/sqlite/0003-tokens.sql has the same table, columns and meaning.
CREATE TABLE IF NOT EXISTS token (
  id         BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name       VARCHAR(255) NOT NULL UNIQUE,
  hash       VARBINARY(32) NOT NULL,         -- SHA-256 of the token, which itself is kept nowhere
  role       VARCHAR(255) NOT NULL,          -- read, write, admin
  paths      BLOB NOT NULL,                  -- below which it holds: a path from the root of the tree per line, nothing for all of it
  per_minute BIGINT NOT NULL DEFAULT 0,      -- requests; 0: as many as come
  created    BIGINT NOT NULL,
  expires    BIGINT NOT NULL DEFAULT 0,      -- 0: never
  used       BIGINT NOT NULL DEFAULT 0       -- when it was last seen, to the minute
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
