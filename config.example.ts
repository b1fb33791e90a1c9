/**
 * Copy to config.ts (here, or to /etc/cairn/config.ts) and change what you need: every option is here with its default, and
 * all may be left out. Relative paths are relative to the file. A file with a password in it must be readable by its owner only.
 */
import { defineConfig } from 'cairn/config'

export default defineConfig({
	// The database that knows the tree: a file (SQLite, one machine), or mysql://user@host:3306/database (many machines);
	// a server on this machine may be reached by mysql://user@localhost/database?socketPath=/run/mysqld/mysqld.sock
	catalogue: 'catalogue.db',

	// Its password. $CAIRN_CATALOGUE_PASSWORD goes before it, the file (its only content, mode 0600) comes after it.
	cataloguePassword: '',
	cataloguePasswordFile: '',

	// How long an operation waits for a catalogue that does not answer; then it fails with EIO.
	catalogueTimeoutMs: 10_000,

	// Connections to a MySQL catalogue.
	catalogueConnections: 8,

	// The rules paths fall under; the first whose pattern matches holds. `cairn init` writes them into the catalogue,
	// `cairn class apply` writes them again after a change.
	classes: [
		{
			name: 'default',
			// A regular expression on the path from the root of the tree, without the first slash; '' matches everything.
			pattern: '',
			// How many nodes hold each file, in at least how many zones, and how many off-site copies there are besides.
			copies: 2,
			zones: 1,
			offsite: 0,
			// Which node gets a new file: most-free, random (weighted by free space), local-first, existing-path, zone-spread.
			policy: 'most-free',
			// Days that removed files stay in /.trash; 0: they are removed at once.
			trashDays: 0,
		},
	],

	// Where nodes are on this machine, by name, when it is not where the catalogue says:
	// { node1: { path: '/srv/node1', io: 'auto', remote: false } }
	nodes: {},

	// The zone (building, rack, city) of this machine: its nodes are preferred for reading and, by policy, for writing.
	zone: '',

	// How long one call on a node behind a network may take, and how many may be under way at once.
	nodeDeadlineMs: 4_000,
	nodeCallsMax: 8,

	mount: {
		// Where `cairn mount` mounts when the command line names no place.
		path: '',
		// fuse speaks the kernel's protocol itself; fuse-native is the portable, slower driver.
		driver: 'fuse',
		// passthrough lets the kernel move the data of local nodes, carried moves it through the daemon, auto decides by node.
		io: 'auto',
		// Users other than the one who mounts may enter; permissions are always checked.
		allowOther: false,
		// Seconds the kernel may keep names and attributes; changes made elsewhere are told to it.
		cacheSeconds: 3_600,
		// How often the size and times of a file that is being written are published.
		publishSeconds: 5,
		// How often the journal is read for changes made elsewhere.
		pollMs: 100,
		// Where the daemon writes what a keeper should know; '' for nowhere (in the foreground: standard error).
		logFile: '',
	},
})
