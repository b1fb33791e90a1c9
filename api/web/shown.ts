/** What the pages show. Times are seconds since 1970, sizes bytes, paths below the root of the tree without a leading slash. */

export interface Overview {
	/** When it was so. */
	at: number
	files: number
	directories: number
	bytes: number
	/** Files that have at least the copies their class asks for. */
	complete: number
	/** Files no good copy of which is on a node in service. */
	unreadable: number
	nodes: NodeShown[]
	classes: ClassShown[]
	sites: SiteShown[]
	days: DayShown[]
	owed: OwedShown
	trouble: TroubleShown
	clients: ClientShown[]
	volumes: VolumeShown[]
	/** Files that changed and are in none of these figures yet. */
	behind: number
	proofs: ProofsShown
}

/** Copies that were read whole and compared. */
export interface ProofsShown {
	days: number
	/** In these days. */
	checked: number
	bad: number
	/** Of all nodes; undefined: nothing was ever proved. */
	oldest?: number
	/** There are copies that never were. */
	hasUnproved: boolean
}

export interface NodeShown {
	name: string
	zone: string
	/** As the keeper set it: rw, nc, ro, drain, down, dead. */
	state: string
	stateSince: number
	/** As it is reached from here. */
	up: boolean
	upSince: number
	reason: string
	capacity: number
	free: number
	/** Nodes with the same number are on one disk; 0: nobody knows. */
	disk: number
	reserve: number
	files: number
	bytes: number
	/** How long it takes to be asked and to be changed, on this machine. Undefined: nobody did of late. */
	readMs?: number
	writeMs?: number
	failures: number
	/** Calls that have not come back. */
	stuck: number
	/** Copies to be made here, and changes to be carried out. */
	wanted: number
	intents: number
	/** A replicator looks after it. */
	lookedAfter: boolean
	lastRun?: RunShown
}

export interface RunShown {
	job: string
	state: string
	started: number
}

export interface ClassShown {
	name: string
	copies: number
	zones: number
	offsite: number
	/** One for each number of copies that occurs, fewest first. */
	rows: Array<{ copies: number; files: number; bytes: number; example?: Uint8Array }>
}

export interface SiteShown {
	name: string
	claimed: number
	proved: number
	oldestProof?: number
	lastSeen?: number
	bytesToday: number
	/** 0: no limit. */
	budgetBytes: number
	waiting: number
}

export interface DayShown {
	/** Since 1970. */
	day: number
	files: number
	bytes: number
	created: number
	changed: number
	removed: number
}

export interface OwedShown {
	copies: number
	copyBytes: number
	/** Until the copies are made, as lately. */
	etaSeconds?: number
	intents: number
	surplus: number
	suspect: number
	offsite: number
	/** Files that found too few nodes. */
	short: number
	classesShort: string[]
}

export interface TroubleShown {
	conflicts: number
	/** The latest. */
	latestConflicts: Array<{ id: number; node: string; path: Uint8Array; reason: string; size: number; found: number }>
	bad: number
	badExamples: Array<{ node: string; path: Uint8Array }>
	failures: Array<{ at: number; what: string; text: string }>
}

export interface ClientShown {
	id: number
	host: string
	pid: number
	what: string
	joined: number
	silentSeconds: number
}

export interface VolumeShown {
	name: string
	class: string
	bytes?: number
	mountedOn: string[]
}

export interface FileShown {
	path: Uint8Array
	/** Other names of the same file. */
	otherPaths: Uint8Array[]
	id: number
	kind: string
	mode: number
	uid: number
	gid: number
	size: number
	modified: number
	version: number
	hash?: Uint8Array
	class: { name: string; pattern: string; position: number; copies: number; zones: number; offsite: number }
	/** How it stands, in a sentence. */
	verdict: string
	standing: Standing
	copies: CopyShown[]
	offsite: Array<{ site: string; version: number; state: string; provedAt?: number }>
	owed: OwedLine[]
	target?: Uint8Array
}

export interface CopyShown {
	node: string
	state: string
	version: number
	isCurrent: boolean
	/** Of that version, where it is known. */
	hash?: Uint8Array
	provedAt?: number
	up: boolean
}

/** What is owed, and why it was not done yet. */
export interface OwedLine {
	what: string
	why: string
}

/** good: as it should be. busy: something is under way. bad: somebody has to look. */
export type Standing = 'good' | 'busy' | 'bad'

export interface DirectoryShown {
	path: Uint8Array
	files: number
	bytes: number
	entries: EntryShown[]
	/** The name to go on after, where there is more. */
	next?: Uint8Array
}

export interface EntryShown {
	name: Uint8Array
	kind: string
	/** Of a directory: of everything below it, where that is known. */
	bytes?: number
	files?: number
	modified: number
}

export interface FoundShown {
	asked: string
	paths: Array<{ path: Uint8Array; kind: string; bytes: number }>
	/** Where this search began, if not at the newest, and from where to go on. */
	from?: number
	next?: number
}
