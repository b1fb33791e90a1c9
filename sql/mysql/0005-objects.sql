-- Objects by id, as SeaweedFS's clients know them. sql/sqlite/0005-objects.sql has the same tables, columns and meaning.

-- What the first part of such an id stands for: a number for each way in which objects were asked for.
CREATE TABLE IF NOT EXISTS object_volume (
  id          BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  collection  VARCHAR(64) NOT NULL,
  ttl         VARCHAR(8) NOT NULL,            -- '3m'; '' for ever
  zone        VARCHAR(255) NOT NULL,          -- where the first copy goes; '' anywhere
  replication VARCHAR(3) NOT NULL,            -- as asked for; '' as the class says
  UNIQUE KEY object_volume_asked (collection, ttl, zone, replication)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Keys that were given out and to which nothing need have been uploaded yet.
CREATE TABLE IF NOT EXISTS object_reservation (
  id        BIGINT NOT NULL PRIMARY KEY,      -- the first key
  count     BIGINT NOT NULL,
  volume_id BIGINT NOT NULL,
  cookie    BIGINT NOT NULL,
  expires   BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Of files that have 2 among their flags.
CREATE TABLE IF NOT EXISTS object (
  id        BIGINT NOT NULL PRIMARY KEY,      -- the key; of the same numbers as files' ids, and like them used once
  volume_id BIGINT NOT NULL,
  cookie    BIGINT NOT NULL,
  file_id   BIGINT NOT NULL,
  version   BIGINT NOT NULL,                  -- of the file, for which the checksum holds
  crc       BIGINT NOT NULL,                  -- CRC-32C
  expires   BIGINT,                           -- NULL: never
  name      VARCHAR(255) NOT NULL,
  mime      VARCHAR(255) NOT NULL,
  headers   MEDIUMTEXT NOT NULL,              -- JSON: what is sent along with it
  INDEX object_file (file_id),
  INDEX object_expires (expires)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
