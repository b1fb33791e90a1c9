-- How often a directory was moved, in one row. Who makes use of a path holds it together with others until his commit, who moves a directory
-- holds it alone: between the look at a path and the commit no directory is moved. Here nobody asks: there is one writer at a time.
-- sql/mysql/0010-moves.sql makes the same.
CREATE TABLE IF NOT EXISTS moves (
  id     INTEGER NOT NULL PRIMARY KEY,
  number INTEGER NOT NULL
);
INSERT OR IGNORE INTO moves (id, number) VALUES (1, 0);
