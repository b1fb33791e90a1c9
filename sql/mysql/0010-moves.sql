-- How often a directory was moved, in one row. Who makes use of a path holds it together with others until his commit, who moves a directory
-- holds it alone: between the look at a path and the commit no directory is moved. Where there is one writer at a time nobody asks.
-- sql/sqlite/0010-moves.sql makes the same.
CREATE TABLE IF NOT EXISTS moves (
  id     BIGINT NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT IGNORE INTO moves (id, number) VALUES (1, 0);
