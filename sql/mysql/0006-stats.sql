-- Figures kept up to date from what changes. sql/sqlite/0006-stats.sql has the same tables, columns and meaning.

-- Files whose figures may be others now: a queue. Its rows go in the transaction that counts the file anew, so nothing is counted
-- twice or left out, whoever commits first. Triggers fill it, because nothing that changes a file may forget to.
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
  elsewhere TEXT NOT NULL                -- 'site:state ...', as in stat_site
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX IF NOT EXISTS stat_file_copies ON stat_file (class_id, copies);

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
  directories BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX IF NOT EXISTS stat_directory_parent ON stat_directory (parent_id);

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

CREATE TRIGGER IF NOT EXISTS stat_file_inserted AFTER INSERT ON file FOR EACH ROW
  INSERT INTO stat_touched (file_id) VALUES (NEW.id);
CREATE TRIGGER IF NOT EXISTS stat_file_updated AFTER UPDATE ON file FOR EACH ROW
  INSERT INTO stat_touched (file_id) SELECT NEW.id FROM DUAL
  WHERE NEW.version <> OLD.version OR NEW.class_id <> OLD.class_id OR (NEW.kind <> 4 AND (NEW.size <> OLD.size OR NEW.nlink <> OLD.nlink));
CREATE TRIGGER IF NOT EXISTS stat_file_deleted AFTER DELETE ON file FOR EACH ROW
  INSERT INTO stat_touched (file_id) VALUES (OLD.id);
CREATE TRIGGER IF NOT EXISTS stat_entry_updated AFTER UPDATE ON entry FOR EACH ROW
  INSERT INTO stat_touched (file_id) SELECT NEW.file_id FROM DUAL WHERE NEW.parent_id <> OLD.parent_id OR NEW.file_id <> OLD.file_id;
-- The first copy of a file that is being created comes with the file's own row, and its copies go with it.
CREATE TRIGGER IF NOT EXISTS stat_replica_inserted AFTER INSERT ON replica FOR EACH ROW
  INSERT INTO stat_touched (file_id) SELECT NEW.file_id FROM DUAL WHERE NEW.version > 0 OR NEW.state <> 1;
CREATE TRIGGER IF NOT EXISTS stat_replica_updated AFTER UPDATE ON replica FOR EACH ROW
  INSERT INTO stat_touched (file_id) SELECT NEW.file_id FROM DUAL
  WHERE NEW.state <> OLD.state OR NEW.version <> OLD.version OR NEW.node_id <> OLD.node_id;
CREATE TRIGGER IF NOT EXISTS stat_replica_deleted AFTER DELETE ON replica FOR EACH ROW
  INSERT INTO stat_touched (file_id) SELECT id FROM file WHERE id = OLD.file_id;

CREATE TRIGGER IF NOT EXISTS stat_backup_inserted AFTER INSERT ON backup FOR EACH ROW
  INSERT INTO stat_touched (file_id) VALUES (NEW.file_id);
CREATE TRIGGER IF NOT EXISTS stat_backup_updated AFTER UPDATE ON backup FOR EACH ROW
  INSERT INTO stat_touched (file_id) SELECT NEW.file_id FROM DUAL WHERE NEW.state <> OLD.state OR NEW.version <> OLD.version;
CREATE TRIGGER IF NOT EXISTS stat_backup_deleted AFTER DELETE ON backup FOR EACH ROW
  INSERT INTO stat_touched (file_id) SELECT id FROM file WHERE id = OLD.file_id;

INSERT INTO stat_touched (file_id) SELECT id FROM file;
