/**
 * What a catalogue costs a server that has none: the rows of so many new files, as Cairn writes them, by a program that does nothing else.
 * `node bench/http/bare-catalogue.ts DATABASE FILES` prints the seconds it took. DATABASE is a catalogue nobody uses; its settings are Cairn's.
 *
 * For each file: the hash of its content; file, entry, copy, line of the journal; the intent to give it its name, and, with the next commit, that this was
 * done and is not on the disk yet. Statements are prepared once. As many files share a commit as there are connections, which is the most they can.
 */
import { hash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'

const TOGETHER = 16
const CONTENT = Buffer.alloc(4096, 'x')
const NODE = 1
const CLIENT = 1
const DIRECTORY = 2
/** Of files: none of the catalogue's own. */
const FIRST_ID = 1_000_000
const BLOCKS = 8

const [database, many] = process.argv.slice(2)
const db = new DatabaseSync(database)
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 32768; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -24576')
const file = db.prepare('INSERT INTO file (id, kind, mode, uid, gid, rdev, nlink, size, blocks, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version, class_id, flags, target, hash, hash_version) VALUES (?,8,420,0,0,0,1,4096,?,?,?,?,?,?,?,1,1,0,NULL,?,1)')
const entry = db.prepare('INSERT INTO entry (parent_id, name, file_id) VALUES (?,?,?)')
const replica = db.prepare('INSERT INTO replica (file_id, node_id, version, state) VALUES (?,?,1,1)')
const change = db.prepare("INSERT INTO `change` (at, client_id, op, parent_id, name, file_id, detail) VALUES (unixepoch(),?,'create',?,?,?,NULL)")
const intent = db.prepare("INSERT INTO intent (node_id, op, path, to_path, file_id, client_id, token, created) VALUES (?,'rename',?,?,?,?,?,unixepoch())")
const done = db.prepare('DELETE FROM intent WHERE node_id = ? AND path = ? AND client_id = ? AND token = ?')
const carried = db.prepare("INSERT INTO carried (client_id, seq, node_id, op, path, to_path, file_id, token, inode) VALUES (?,?,?,'rename',?,?,?,?,?)")
const touch = db.prepare('UPDATE file SET mtime = ?, mtime_ns = ?, ctime = ?, ctime_ns = ? WHERE id = ?')

interface New {
	id: number
	staged: Buffer
	path: Buffer
}

function enter({ id, staged, path }: New, seconds: number): void {
	file.run(id, BLOCKS, seconds, id, seconds, id, seconds, id, hash('sha256', CONTENT, 'buffer'))
	entry.run(DIRECTORY, path.subarray('puts/'.length), id)
	replica.run(id, NODE)
	intent.run(NODE, staged, path, id, CLIENT, id)
	change.run(CLIENT, DIRECTORY, path.subarray('puts/'.length), id)
}

function carryOut({ id, staged, path }: New): void {
	done.run(NODE, staged, CLIENT, id)
	carried.run(CLIENT, id, NODE, staged, path, id, id, `${id}@${id}`)
}

const began = performance.now()
const mark = Date.now().toString(36)
let last: New[] = []
for (let at = 0; at < Number(many); at += TOGETHER) {
	const seconds = Math.floor(Date.now() / 1000)
	const files = Array.from({ length: TOGETHER }, (_, index) => {
		const id = FIRST_ID + at + index
		return { id, staged: Buffer.from(`.cairn/uploads/1-0/${id}`), path: Buffer.from(`puts/${mark}-${at + index}`) }
	})
	db.exec('BEGIN IMMEDIATE')
	for (const each of last) carryOut(each)
	for (const each of files) enter(each, seconds)
	touch.run(seconds, at, seconds, at, DIRECTORY)
	db.exec('COMMIT')
	last = files
}
console.log((performance.now() - began) / 1000)
db.close()
