-- What was carried out on a node's tree, until that is on the node's disk. Who finds it after a crash does it once more where the node has forgotten it.
-- sql/sqlite/0009-carried-out.sql makes the same.
CREATE TABLE IF NOT EXISTS carried (
  client_id BIGINT NOT NULL,             -- whose disk cache it may be in: as long as he lives nobody need do it again
  seq       BIGINT NOT NULL,             -- in the order in which it was done: microseconds since 1970
  node_id   BIGINT NOT NULL,
  op        VARCHAR(255) NOT NULL,
  path      BLOB NOT NULL,
  to_path   BLOB,
  file_id   BIGINT NOT NULL,
  token     BIGINT NOT NULL,
  inode     VARCHAR(255) NOT NULL,       -- of what stood at the path: number and birth
  PRIMARY KEY (client_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
