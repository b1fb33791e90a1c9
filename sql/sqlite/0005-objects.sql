-- Objects by id, as SeaweedFS's clients know them. sql/mysql/0005-objects.sql has the same tables, columns and meaning.

-- What the first part of such an id stands for: a number for each way in which objects were asked for.
CREATE TABLE IF NOT EXISTS object_volume (
  id          INTEGER PRIMARY KEY,
  collection  TEXT NOT NULL,
  ttl         TEXT NOT NULL,             -- '3m'; '' for ever
  zone        TEXT NOT NULL,             -- where the first copy goes; '' anywhere
  replication TEXT NOT NULL,             -- as asked for; '' as the class says
  UNIQUE (collection, ttl, zone, replication)
);

-- Keys that were given out and to which nothing need have been uploaded yet.
CREATE TABLE IF NOT EXISTS object_reservation (
  id        INTEGER PRIMARY KEY,         -- the first key
  count     INTEGER NOT NULL,
  volume_id INTEGER NOT NULL,
  cookie    INTEGER NOT NULL,
  expires   INTEGER NOT NULL
);

-- Of files that have 2 among their flags.
CREATE TABLE IF NOT EXISTS object (
  id        INTEGER PRIMARY KEY,         -- the key; of the same numbers as files' ids, and like them used once
  volume_id INTEGER NOT NULL,
  cookie    INTEGER NOT NULL,
  file_id   INTEGER NOT NULL,
  version   INTEGER NOT NULL,            -- of the file, for which the checksum holds
  crc       INTEGER NOT NULL,            -- CRC-32C
  expires   INTEGER,                     -- NULL: never
  name      TEXT NOT NULL,
  mime      TEXT NOT NULL,
  headers   TEXT NOT NULL                -- JSON: what is sent along with it
);
CREATE INDEX IF NOT EXISTS object_file ON object (file_id);
CREATE INDEX IF NOT EXISTS object_expires ON object (expires);
