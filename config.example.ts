/**
 * Copy to config.ts (here, or to /etc/cairn/config.ts) and change what you need: every option is here with its default, and
 * all may be left out, but for name, pattern and copies of a class. Relative paths are relative to the file. A file with a password in it must be readable by its owner only.
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

	// The rules paths fall under; the first whose pattern matches holds, and the last where none does. `cairn init` writes them into
	// the catalogue, `cairn class apply` writes them again after a change.
	classes: [
		{
			name: 'default',
			// A regular expression on the path from the root of the tree, without the first slash; '' matches everything.
			pattern: '',
			// How many nodes hold each file, in at least how many zones (no more than copies), and how many off-site copies there are besides.
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
	// Replicators read from a node that is not mounted on their machine by SFTP, where its entry says how:
	// { node2: { sftp: { host: 'two.example', port: 22, user: 'cairn', path: '/srv/node2',
	//                    keyFile: '/etc/cairn/id_ed25519', knownHostsFile: '/etc/cairn/known_hosts' } } }
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
		// Days that what is removed through this mount stays in /.trash; 0: it does not stay; -1: as its class says.
		trashDays: -1,
		// Where the daemon writes what a keeper should know; '' for nowhere (in the foreground: standard error).
		logFile: '',
	},

	replicator: {
		// When each kind of work begins, as cron says it (minute hour day month weekday; where day and weekday are both given,
		// both have to fit); '' for never. What should have run while nothing was running is caught up with.
		schedule: {
			// Make the copies that are wanted.
			replicate: '* * * * *',
			// Compare a node's tree with the catalogue.
			walk: '',
			// Read copies again and compare them with their hashes, oldest proof first.
			verify: '17 1 * * *',
			// Remove copies that are more than a class asks for.
			trim: '*/10 * * * *',
			// Write down on the node what a lost catalogue could be made of again.
			manifest: '*/5 * * * *',
			// Write a dump of the catalogue onto the node.
			dump: '43 3 * * *',
			// Remove what has been in the trash for as long as its class says.
			trash: '31 4 * * *',
		},
		// Files copied at once.
		copiesAtOnce: 4,
		// Threads that hash; 0: as many as there are processors.
		hashThreads: 0,
		// At most so many bytes a second at some hours of the day; the first that fits holds, 0 is nothing at all:
		// [{ hours: '8-18', bytesPerSecond: 20_000_000 }, { hours: '', bytesPerSecond: 100_000_000 }]
		copyRates: [],
		verifyRates: [],
		// A copy is verified again after this many days.
		verifyDays: 90,
		// Before a copy is removed the others are read and compared with their hashes, unless that was done within so many days.
		proofDays: 30,
		// The share of a directory's known files that may be missing on a node before a walk refuses to believe it.
		missingShareMax: 0.1,
		// Dumps of the catalogue kept on each node.
		dumpsKept: 7,
	},

	api: {
		// Where `cairn api` listens: host:port or unix:/path. Each address serves all parts, or those it names: files (REST, tus), dav
		// (WebDAV), sfss, hercules, objects (SeaweedFS), backup, stats, metrics; and lets `anybody` who reaches it 'read' or 'write' without a token:
		// { at: '127.0.0.1:9333', parts: ['objects'], anybody: 'write' }
		// Where clients or a proxy in front call such an address by a name with a dot in it, it has to be said: hosts: ['storage.example.org'].
		listen: [{ at: '127.0.0.1:7780' }],
		// Processes that serve these addresses, where there are processors for them: for reading, for SQLite has one writer at a time. Each takes its own memory.
		// What a token may ask in a minute each of them counts by itself.
		workers: 1,
		// Paths of the tree below which anybody may read; for everything else it takes a token (`cairn token add`).
		publicPaths: [],
		// Anybody may open /summary, which says how the archive stands and names no file and no machine.
		publicSummary: false,
		// Origins whose pages may use it from a browser: ['https://photos.example.org'], or ['*'].
		corsOrigins: [],
		// With both it speaks HTTPS; SIGHUP reads them again.
		tlsCertFile: '',
		tlsKeyFile: '',
		// Proxies in front whose X-Forwarded-For is believed: ['127.0.0.1', '10.0.0.0/8'].
		trustedProxies: [],
		// Who carries the content of large files: 'cairn' itself, or the web server in front, told by 'x-accel-redirect' (nginx: /.cairn/NODE/ is
		// the directory of the node) or 'x-sendfile' (Apache: the file's path).
		carriedBy: 'cairn',
		// Doors on the machines of nodes: { node2: 'http://10.0.0.2:7780' }. Who asks for a large file that is there is sent to it.
		doors: {},
		// Owner and modes of what is made through it.
		uid: 0,
		gid: 0,
		fileMode: 0o644,
		directoryMode: 0o755,
		// A line of JSON for each request goes to this file, or to a new one of its name when it was moved away; '-' is standard output, '' nowhere.
		requestLog: '',
		// A request that neither sends nor takes anything for so long is ended, and so is a connection without one: proxies in front give theirs up after a minute, and have to be
		// the first to do so; those under way when the door ends have drainMs.
		idleMs: 65_000,
		drainMs: 10_000,
		// So is one that sends or takes less than this many bytes a second, in the mean over slowMs: a telephone line with many transfers at once has
		// more. 0: as slow as it likes.
		slowMs: 60_000,
		slowBytesPerSecond: 256,
		// The largest file that sfss's addresses take, and the largest object of SeaweedFS's, in bytes.
		sfssBytesMax: 2 * 1024 * 1024,
		objectBytesMax: 256 * 1024 * 1024,
		// With a key in this file (readable by its owner only), /dir/assign hands out a token for each object: whoever has it may upload
		// that object for ten seconds, with no other token.
		objectKeyFile: '',
	},

	backup: {
		// Keys of sites are stored encrypted with what is in this file; the first `cairn site add` makes it. Keep it apart from the catalogue.
		keyFile: 'backup.key',
		// What all sites together may fetch, by hour of the day, as copyRates above; bytes a day (0: no limit); downloads at once.
		rates: [],
		bytesPerDay: 0,
		streams: 32,
		// The same for each site that `cairn site` does not set otherwise.
		siteRates: [],
		siteBytesPerDay: 0,
		parallel: 4,
		// Files and bytes given out at once.
		filesPerBatch: 500,
		bytesPerBatch: 1_073_741_824,
		// What was given out and not reported within this time is given to others, unless the agent asks for more.
		leaseSeconds: 900,
		// A site has to prove again that it has a file after so many days.
		proofDays: 30,
		// Answer agents of the system before this one, at /filesystem-api.php, where `cairn site set NAME --legacy` says so. They fetch from a
		// plain web server: `legacyDocroot` is what they replace in each path, by one of `legacyServers`.
		legacy: false,
		legacyDocroot: '',
		legacyServers: [],
	},
})
