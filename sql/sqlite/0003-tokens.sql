-- Who may come in over HTTP. sql/mysql/0003-tokens.sql has the same table, columns and meaning.
CREATE TABLE IF NOT EXISTS token (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  hash       BLOB NOT NULL,               -- SHA-256 of the token, which itself is kept nowhere
  role       TEXT NOT NULL,               -- read, write, admin
  paths      BLOB NOT NULL,               -- below which it holds: a path from the root of the tree per line, nothing for all of it
  per_minute INTEGER NOT NULL DEFAULT 0,  -- requests; 0: as many as come
  created    INTEGER NOT NULL,
  expires    INTEGER NOT NULL DEFAULT 0,  -- 0: never
  used       INTEGER NOT NULL DEFAULT 0   -- when it was last seen, to the minute
);
