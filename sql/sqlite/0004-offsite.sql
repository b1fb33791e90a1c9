-- Copies elsewhere: sites, what each of them holds, and the work between. sql/mysql/0004-offsite.sql has the same tables, columns and meaning.

CREATE TABLE IF NOT EXISTS site (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  sealed_key   BLOB NOT NULL,               -- what its agent signs with, sealed: the key to it is not in the catalogue
  state        TEXT NOT NULL DEFAULT 'active', -- active, paused
  paused_until INTEGER NOT NULL DEFAULT 0,  -- 0: until the keeper says so
  settings     TEXT NOT NULL DEFAULT '{}',  -- JSON: what it takes, when and how fast
  agent        TEXT NOT NULL DEFAULT '',    -- the folder that speaks for it; '': the first that calls
  about        TEXT NOT NULL DEFAULT '{}',  -- JSON: what its agent said of itself last
  created      INTEGER NOT NULL,
  seen_at      INTEGER NOT NULL DEFAULT 0
);

-- What a site holds of a file, or is to fetch.
CREATE TABLE IF NOT EXISTS backup (
  file_id    INTEGER NOT NULL,
  site_id    INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 0,  -- which it holds; 0: none that is the file's present one
  state      INTEGER NOT NULL,            -- 1 wanted, 2 spare (wanted by nobody but would be taken), 3 claimed, 4 proved, 5 failed
  copies     INTEGER NOT NULL DEFAULT 0,  -- at other sites, as the order of work sees it
  since      INTEGER NOT NULL,            -- of the state; of a failed one: when it is to be tried again
  tried      INTEGER NOT NULL DEFAULT 0,  -- failures on end
  claimed_at INTEGER NOT NULL DEFAULT 0,
  proved_at  INTEGER NOT NULL DEFAULT 0,
  challenge  BLOB,                        -- the key of a question that was put and not yet answered
  path       BLOB,                        -- where the site keeps it
  size       INTEGER NOT NULL DEFAULT 0,
  hash       BLOB,
  mode       INTEGER NOT NULL DEFAULT 0,  -- these of the file when it was claimed: they outlive it
  uid        INTEGER NOT NULL DEFAULT 0,
  gid        INTEGER NOT NULL DEFAULT 0,
  mtime      INTEGER NOT NULL DEFAULT 0,
  mtime_ns   INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (file_id, site_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS backup_work ON backup (site_id, state, copies, file_id);
CREATE INDEX IF NOT EXISTS backup_since ON backup (site_id, state, since, file_id);
CREATE INDEX IF NOT EXISTS backup_path ON backup (path);

-- What a site held before the file changed, moved or went: it may hold it still.
CREATE TABLE IF NOT EXISTS backup_past (
  id         INTEGER PRIMARY KEY,
  site_id    INTEGER NOT NULL,
  file_id    INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  path       BLOB NOT NULL,
  size       INTEGER NOT NULL,
  hash       BLOB,
  mode       INTEGER NOT NULL,
  uid        INTEGER NOT NULL,
  gid        INTEGER NOT NULL,
  mtime      INTEGER NOT NULL,
  mtime_ns   INTEGER NOT NULL,
  claimed_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS backup_past_path ON backup_past (path);

-- A file is given to one agent at a time.
CREATE TABLE IF NOT EXISTS backup_lease (
  id       TEXT NOT NULL PRIMARY KEY,
  site_id  INTEGER NOT NULL,
  until_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS backup_leased (
  file_id  INTEGER NOT NULL PRIMARY KEY,
  lease_id TEXT NOT NULL,
  version  INTEGER NOT NULL,
  path     BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS backup_leased_lease ON backup_leased (lease_id);

CREATE TABLE IF NOT EXISTS backup_notice (
  id      INTEGER PRIMARY KEY,
  site_id INTEGER NOT NULL,
  kind    TEXT NOT NULL,                  -- deleted, moved
  path    BLOB NOT NULL,
  at      INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS backup_notice_site ON backup_notice (site_id, id);

-- What the keeper asked a site to send back.
CREATE TABLE IF NOT EXISTS backup_order (
  id       INTEGER PRIMARY KEY,
  site_id  INTEGER NOT NULL,
  job      TEXT NOT NULL,                 -- those of one command
  kind     TEXT NOT NULL,                 -- restore, overwrite, fetch, drill
  state    TEXT NOT NULL,                 -- asked, arrived, done, failed
  file_id  INTEGER NOT NULL,
  version  INTEGER NOT NULL,
  path     BLOB NOT NULL,                 -- where the site keeps it
  to_path  BLOB,                          -- where it goes, or would; NULL: nowhere
  size     INTEGER NOT NULL,
  hash     BLOB,
  mode     INTEGER NOT NULL,
  uid      INTEGER NOT NULL,
  gid      INTEGER NOT NULL,
  mtime    INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  received INTEGER NOT NULL DEFAULT 0,    -- bytes
  created  INTEGER NOT NULL,
  began_at INTEGER NOT NULL DEFAULT 0,
  ended_at INTEGER NOT NULL DEFAULT 0,
  detail   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS backup_order_site ON backup_order (site_id, state, id);
CREATE INDEX IF NOT EXISTS backup_order_job ON backup_order (job, state, id);

CREATE TABLE IF NOT EXISTS site_log (
  id      INTEGER PRIMARY KEY,
  site_id INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  what    TEXT NOT NULL,
  detail  TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS site_log_site ON site_log (site_id, id);

CREATE TABLE IF NOT EXISTS site_day (
  site_id INTEGER NOT NULL,
  day     INTEGER NOT NULL,               -- since 1970, of the server's time zone
  files   INTEGER NOT NULL DEFAULT 0,     -- claimed
  bytes   INTEGER NOT NULL DEFAULT 0,     -- sent
  proved  INTEGER NOT NULL DEFAULT 0,
  failed  INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (site_id, day)
) WITHOUT ROWID;

-- Of requests: each is used once.
CREATE TABLE IF NOT EXISTS site_nonce (
  site_id INTEGER NOT NULL,
  nonce   TEXT NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (site_id, nonce)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS site_nonce_at ON site_nonce (at);
