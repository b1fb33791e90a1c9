-- What is to be counted anew is read from the journal: a trigger costs every change its share, and a server that logs its changes wants a
-- privilege for making one. `stat_touched` stays for what the journal does not tell. They are there where 0006 made them, as it once did.
-- sql/sqlite/0008-stats-from-the-journal.sql does the same.
DROP TRIGGER IF EXISTS stat_file_inserted;
DROP TRIGGER IF EXISTS stat_file_updated;
DROP TRIGGER IF EXISTS stat_file_deleted;
DROP TRIGGER IF EXISTS stat_entry_updated;
DROP TRIGGER IF EXISTS stat_replica_inserted;
DROP TRIGGER IF EXISTS stat_replica_updated;
DROP TRIGGER IF EXISTS stat_replica_deleted;
DROP TRIGGER IF EXISTS stat_backup_inserted;
DROP TRIGGER IF EXISTS stat_backup_updated;
DROP TRIGGER IF EXISTS stat_backup_deleted;
