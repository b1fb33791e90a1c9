/** A process that takes the write lock of the SQLite file named on its command line and keeps it until told to let go. */
import { DatabaseSync } from 'node:sqlite'

const db = new DatabaseSync(process.argv[2], { timeout: 10_000 })
db.exec("BEGIN IMMEDIATE; INSERT INTO setting (name, value) VALUES ('held', '1')")
process.send?.('held')
process.once('message', () => {
	db.exec('COMMIT')
	process.disconnect()
})
