-- Figures kept up to date from what changes. sql/mysql/0006-stats.sql has the same tables, columns and meaning.

-- Files whose figures may be others now: a queue. Its rows go in the transaction that counts the file anew, so nothing is counted
-- twice or left out, whoever commits first. Triggers fill it, because nothing that changes a file may forget to.
CREATE TABLE IF NOT EXISTS stat_touched (
  id      INTEGER PRIMARY KEY,
  file_id INTEGER NOT NULL
);

-- What each file last added to the figures below: what is to be taken off when it is counted anew. Directories are in stat_directory.
CREATE TABLE IF NOT EXISTS stat_file (
  file_id   INTEGER PRIMARY KEY,
  parent_id INTEGER NOT NULL,            -- the first of its directories, by id
  class_id  INTEGER NOT NULL,
  copies    INTEGER NOT NULL,            -- good or surplus at the file's version; -1: of a kind that has none
  size      INTEGER NOT NULL,            -- 0 of anything but a regular file
  held      TEXT NOT NULL,               -- 'node:state ...' of each of its copies
  sites     INTEGER NOT NULL,            -- that hold the file's version
  elsewhere TEXT NOT NULL                -- 'site:state ...', as in stat_site
);
CREATE INDEX IF NOT EXISTS stat_file_copies ON stat_file (class_id, copies);

-- Files by class and by how many copies they have.
CREATE TABLE IF NOT EXISTS stat_copies (
  class_id INTEGER NOT NULL,
  copies   INTEGER NOT NULL,
  files    INTEGER NOT NULL,
  bytes    INTEGER NOT NULL,
  PRIMARY KEY (class_id, copies)
) WITHOUT ROWID;

-- Copies by node, class and state.
CREATE TABLE IF NOT EXISTS stat_node (
  node_id  INTEGER NOT NULL,
  class_id INTEGER NOT NULL,
  state    INTEGER NOT NULL,             -- as in replica
  files    INTEGER NOT NULL,
  bytes    INTEGER NOT NULL,
  PRIMARY KEY (node_id, class_id, state)
) WITHOUT ROWID;

-- Files by class and by how many sites hold them.
CREATE TABLE IF NOT EXISTS stat_offsite (
  class_id INTEGER NOT NULL,
  sites    INTEGER NOT NULL,
  files    INTEGER NOT NULL,
  bytes    INTEGER NOT NULL,
  PRIMARY KEY (class_id, sites)
) WITHOUT ROWID;

-- Files by site, class and state.
CREATE TABLE IF NOT EXISTS stat_site (
  site_id  INTEGER NOT NULL,
  class_id INTEGER NOT NULL,
  state    INTEGER NOT NULL,             -- as in backup; 0: it holds an older version
  files    INTEGER NOT NULL,
  bytes    INTEGER NOT NULL,
  PRIMARY KEY (site_id, class_id, state)
) WITHOUT ROWID;

-- All that is below a directory. parent_id is where it was counted: a directory that moves takes its sum along, whatever is below it.
CREATE TABLE IF NOT EXISTS stat_directory (
  id          INTEGER PRIMARY KEY,
  parent_id   INTEGER NOT NULL,          -- 0: of the root, and of one whose place is not known yet
  files       INTEGER NOT NULL,
  bytes       INTEGER NOT NULL,
  directories INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS stat_directory_parent ON stat_directory (parent_id);

-- Where things stood at the end of a day (days since 1970).
CREATE TABLE IF NOT EXISTS stat_day (
  day    INTEGER NOT NULL,
  series TEXT NOT NULL,          -- CLASS@NODE: copies of the class on the node; CLASS@0: its files
  files  INTEGER NOT NULL,
  bytes  INTEGER NOT NULL,
  PRIMARY KEY (day, series)
) WITHOUT ROWID;

-- Lines of the journal by day.
CREATE TABLE IF NOT EXISTS stat_activity (
  day  INTEGER NOT NULL,
  op   TEXT NOT NULL,
  many INTEGER NOT NULL,
  PRIMARY KEY (day, op)
) WITHOUT ROWID;

CREATE TRIGGER IF NOT EXISTS stat_file_inserted AFTER INSERT ON file BEGIN
  INSERT INTO stat_touched (file_id) VALUES (NEW.id);
END;
CREATE TRIGGER IF NOT EXISTS stat_file_updated AFTER UPDATE OF size, version, class_id, nlink ON file
  WHEN NEW.version <> OLD.version OR NEW.class_id <> OLD.class_id OR (NEW.kind <> 4 AND (NEW.size <> OLD.size OR NEW.nlink <> OLD.nlink)) BEGIN
  INSERT INTO stat_touched (file_id) VALUES (NEW.id);
END;
CREATE TRIGGER IF NOT EXISTS stat_file_deleted AFTER DELETE ON file BEGIN
  INSERT INTO stat_touched (file_id) VALUES (OLD.id);
END;
CREATE TRIGGER IF NOT EXISTS stat_entry_updated AFTER UPDATE OF parent_id, file_id ON entry
  WHEN NEW.parent_id <> OLD.parent_id OR NEW.file_id <> OLD.file_id BEGIN
  INSERT INTO stat_touched (file_id) VALUES (NEW.file_id);
END;
-- The first copy of a file that is being created comes with the file's own row, and its copies go with it.
CREATE TRIGGER IF NOT EXISTS stat_replica_inserted AFTER INSERT ON replica WHEN NEW.version > 0 OR NEW.state <> 1 BEGIN
  INSERT INTO stat_touched (file_id) VALUES (NEW.file_id);
END;
CREATE TRIGGER IF NOT EXISTS stat_replica_updated AFTER UPDATE OF node_id, version, state ON replica
  WHEN NEW.state <> OLD.state OR NEW.version <> OLD.version OR NEW.node_id <> OLD.node_id BEGIN
  INSERT INTO stat_touched (file_id) VALUES (NEW.file_id);
END;
CREATE TRIGGER IF NOT EXISTS stat_replica_deleted AFTER DELETE ON replica WHEN EXISTS (SELECT 1 FROM file WHERE id = OLD.file_id) BEGIN
  INSERT INTO stat_touched (file_id) VALUES (OLD.file_id);
END;

CREATE TRIGGER IF NOT EXISTS stat_backup_inserted AFTER INSERT ON backup BEGIN
  INSERT INTO stat_touched (file_id) VALUES (NEW.file_id);
END;
CREATE TRIGGER IF NOT EXISTS stat_backup_updated AFTER UPDATE OF version, state ON backup
  WHEN NEW.state <> OLD.state OR NEW.version <> OLD.version BEGIN
  INSERT INTO stat_touched (file_id) VALUES (NEW.file_id);
END;
CREATE TRIGGER IF NOT EXISTS stat_backup_deleted AFTER DELETE ON backup WHEN EXISTS (SELECT 1 FROM file WHERE id = OLD.file_id) BEGIN
  INSERT INTO stat_touched (file_id) VALUES (OLD.file_id);
END;

INSERT INTO stat_touched (file_id) SELECT id FROM file;
