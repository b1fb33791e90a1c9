-- Copies elsewhere: sites, what each of them holds, and the work between. sql/sqlite/0004-offsite.sql has the same tables, columns and meaning.

CREATE TABLE IF NOT EXISTS site (
  id           BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name         VARCHAR(255) NOT NULL UNIQUE,
  sealed_key   VARBINARY(1024) NOT NULL,               -- what its agent signs with, sealed: the key to it is not in the catalogue
  state        VARCHAR(255) NOT NULL DEFAULT 'active', -- active, paused
  paused_until BIGINT NOT NULL DEFAULT 0,  -- 0: until the keeper says so
  settings     TEXT NOT NULL,  -- JSON: what it takes, when and how fast
  agent        VARCHAR(255) NOT NULL DEFAULT '',    -- the folder that speaks for it; '': the first that calls
  about        TEXT NOT NULL,  -- JSON: what its agent said of itself last
  created      BIGINT NOT NULL,
  seen_at      BIGINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a site holds of a file, or is to fetch.
CREATE TABLE IF NOT EXISTS backup (
  file_id    BIGINT NOT NULL,
  site_id    BIGINT NOT NULL,
  version    BIGINT NOT NULL DEFAULT 0,  -- which it holds; 0: none that is the file's present one
  state      BIGINT NOT NULL,            -- 1 wanted, 2 spare (wanted by nobody but would be taken), 3 claimed, 4 proved, 5 failed
  copies     BIGINT NOT NULL DEFAULT 0,  -- at other sites, as the order of work sees it
  since      BIGINT NOT NULL,            -- of the state; of a failed one: when it is to be tried again
  tried      BIGINT NOT NULL DEFAULT 0,  -- failures on end
  claimed_at BIGINT NOT NULL DEFAULT 0,
  proved_at  BIGINT NOT NULL DEFAULT 0,
  challenge  VARBINARY(32),                        -- the key of a question that was put and not yet answered
  path       BLOB,                        -- where the site keeps it
  size       BIGINT NOT NULL DEFAULT 0,
  hash       VARBINARY(32),
  mode       BIGINT NOT NULL DEFAULT 0,  -- these of the file when it was claimed: they outlive it
  uid        BIGINT NOT NULL DEFAULT 0,
  gid        BIGINT NOT NULL DEFAULT 0,
  mtime      BIGINT NOT NULL DEFAULT 0,
  mtime_ns   BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (file_id, site_id),
  INDEX backup_work (site_id, state, copies, file_id),
  INDEX backup_since (site_id, state, since, file_id),
  INDEX backup_path (path(255))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a site held before the file changed, moved or went: it may hold it still.
CREATE TABLE IF NOT EXISTS backup_past (
  id         BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  site_id    BIGINT NOT NULL,
  file_id    BIGINT NOT NULL,
  version    BIGINT NOT NULL,
  path       BLOB NOT NULL,
  size       BIGINT NOT NULL,
  hash       VARBINARY(32),
  mode       BIGINT NOT NULL,
  uid        BIGINT NOT NULL,
  gid        BIGINT NOT NULL,
  mtime      BIGINT NOT NULL,
  mtime_ns   BIGINT NOT NULL,
  claimed_at BIGINT NOT NULL,
  ended_at   BIGINT NOT NULL,
  INDEX backup_past_path (path(255))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A file is given to one agent at a time.
CREATE TABLE IF NOT EXISTS backup_lease (
  id       VARCHAR(255) NOT NULL PRIMARY KEY,
  site_id  BIGINT NOT NULL,
  until_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS backup_leased (
  file_id  BIGINT NOT NULL PRIMARY KEY,
  lease_id VARCHAR(255) NOT NULL,
  version  BIGINT NOT NULL,
  path     BLOB NOT NULL,
  INDEX backup_leased_lease (lease_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS backup_notice (
  id      BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  site_id BIGINT NOT NULL,
  kind    VARCHAR(255) NOT NULL,                  -- deleted, moved
  path    BLOB NOT NULL,
  at      BIGINT NOT NULL,
  INDEX backup_notice_site (site_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What the keeper asked a site to send back.
CREATE TABLE IF NOT EXISTS backup_order (
  id       BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  site_id  BIGINT NOT NULL,
  job      VARCHAR(255) NOT NULL,                 -- those of one command
  kind     VARCHAR(255) NOT NULL,                 -- restore, overwrite, fetch, drill
  state    VARCHAR(255) NOT NULL,                 -- asked, arrived, done, failed
  file_id  BIGINT NOT NULL,
  version  BIGINT NOT NULL,
  path     BLOB NOT NULL,                 -- where the site keeps it
  to_path  BLOB,                          -- where it goes, or would; NULL: nowhere
  size     BIGINT NOT NULL,
  hash     VARBINARY(32),
  mode     BIGINT NOT NULL,
  uid      BIGINT NOT NULL,
  gid      BIGINT NOT NULL,
  mtime    BIGINT NOT NULL,
  mtime_ns BIGINT NOT NULL,
  received BIGINT NOT NULL DEFAULT 0,    -- bytes
  created  BIGINT NOT NULL,
  began_at BIGINT NOT NULL DEFAULT 0,
  ended_at BIGINT NOT NULL DEFAULT 0,
  detail   TEXT NOT NULL,
  INDEX backup_order_site (site_id, state, id),
  INDEX backup_order_job (job, state, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS site_log (
  id      BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  site_id BIGINT NOT NULL,
  at      BIGINT NOT NULL,
  what    VARCHAR(255) NOT NULL,
  detail  TEXT NOT NULL,
  INDEX site_log_site (site_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS site_day (
  site_id BIGINT NOT NULL,
  day     BIGINT NOT NULL,               -- since 1970, of the server's time zone
  files   BIGINT NOT NULL DEFAULT 0,     -- claimed
  bytes   BIGINT NOT NULL DEFAULT 0,     -- sent
  proved  BIGINT NOT NULL DEFAULT 0,
  failed  BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (site_id, day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Of requests: each is used once.
CREATE TABLE IF NOT EXISTS site_nonce (
  site_id BIGINT NOT NULL,
  nonce   VARCHAR(255) NOT NULL,
  at      BIGINT NOT NULL,
  PRIMARY KEY (site_id, nonce),
  INDEX site_nonce_at (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
