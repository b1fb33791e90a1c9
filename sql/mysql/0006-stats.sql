-- Figures kept up to date from what changes. sql/sqlite/0006-stats.sql has the same tables, columns and meaning.

-- Files whose figures may be others now: a queue. Its rows go in the transaction that counts the file anew, so nothing is counted
-- twice or left out, whoever commits first. (Triggers filled it once, which stood here; 0008 drops them where they were made.)
CREATE TABLE IF NOT EXISTS stat_touched (
  id      BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  file_id BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What each file last added to the figures below: what is to be taken off when it is counted anew. Directories are in stat_directory.
CREATE TABLE IF NOT EXISTS stat_file (
  file_id   BIGINT NOT NULL PRIMARY KEY,
  parent_id BIGINT NOT NULL,            -- the first of its directories, by id
  class_id  BIGINT NOT NULL,
  copies    BIGINT NOT NULL,            -- good or surplus at the file's version; -1: of a kind that has none
  size      BIGINT NOT NULL,            -- 0 of anything but a regular file
  held      TEXT NOT NULL,               -- 'node:state ...' of each of its copies
  sites     BIGINT NOT NULL,            -- that hold the file's version
  elsewhere TEXT NOT NULL,               -- 'site:state ...', as in stat_site
  INDEX stat_file_copies (class_id, copies)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Files by class and by how many copies they have.
CREATE TABLE IF NOT EXISTS stat_copies (
  class_id BIGINT NOT NULL,
  copies   BIGINT NOT NULL,
  files    BIGINT NOT NULL,
  bytes    BIGINT NOT NULL,
  PRIMARY KEY (class_id, copies)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Copies by node, class and state.
CREATE TABLE IF NOT EXISTS stat_node (
  node_id  BIGINT NOT NULL,
  class_id BIGINT NOT NULL,
  state    BIGINT NOT NULL,             -- as in replica
  files    BIGINT NOT NULL,
  bytes    BIGINT NOT NULL,
  PRIMARY KEY (node_id, class_id, state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Files by class and by how many sites hold them.
CREATE TABLE IF NOT EXISTS stat_offsite (
  class_id BIGINT NOT NULL,
  sites    BIGINT NOT NULL,
  files    BIGINT NOT NULL,
  bytes    BIGINT NOT NULL,
  PRIMARY KEY (class_id, sites)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Files by site, class and state.
CREATE TABLE IF NOT EXISTS stat_site (
  site_id  BIGINT NOT NULL,
  class_id BIGINT NOT NULL,
  state    BIGINT NOT NULL,             -- as in backup; 0: it holds an older version
  files    BIGINT NOT NULL,
  bytes    BIGINT NOT NULL,
  PRIMARY KEY (site_id, class_id, state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- All that is below a directory. parent_id is where it was counted: a directory that moves takes its sum along, whatever is below it.
CREATE TABLE IF NOT EXISTS stat_directory (
  id          BIGINT NOT NULL PRIMARY KEY,
  parent_id   BIGINT NOT NULL,          -- 0: of the root, and of one whose place is not known yet
  files       BIGINT NOT NULL,
  bytes       BIGINT NOT NULL,
  directories BIGINT NOT NULL,
  INDEX stat_directory_parent (parent_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Where things stood at the end of a day (days since 1970).
CREATE TABLE IF NOT EXISTS stat_day (
  day    BIGINT NOT NULL,
  series VARCHAR(255) NOT NULL,          -- CLASS@NODE: copies of the class on the node; CLASS@0: its files
  files  BIGINT NOT NULL,
  bytes  BIGINT NOT NULL,
  PRIMARY KEY (day, series)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Lines of the journal by day.
CREATE TABLE IF NOT EXISTS stat_activity (
  day  BIGINT NOT NULL,
  op   VARCHAR(255) NOT NULL,
  many BIGINT NOT NULL,
  PRIMARY KEY (day, op)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT INTO stat_touched (file_id) SELECT id FROM file;
