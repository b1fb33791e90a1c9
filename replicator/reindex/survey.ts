/** What is there to make a catalogue from: directories of nodes, their manifests, the dumps on them. */
import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Header } from '../../core/catalogue/dump/lines.ts'
import { verifyDump } from '../../core/catalogue/dump/read.ts'
import { UserError } from '../../core/errors.ts'
import { type Identity, readIdentity } from '../../core/nodes/identity.ts'
import { DUMP_NAME, DUMPS } from '../manifest/dump-job.ts'
import { BEFORE, DIRECTORY, isNewer, type Point, type State } from '../manifest/format.ts'
import { parseState } from '../manifest/state.ts'

export interface FoundNode extends Identity {
	path: string
}

export interface FoundManifest {
	/** Where its base and its segments are. */
	folder: string
	state: State
}

export interface FoundDump extends Point {
	path: string
	header: Header
}

export interface Survey {
	nodes: FoundNode[]
	/** The newest first. */
	manifests: FoundManifest[]
	/** The newest that is whole. */
	dump: FoundDump | undefined
}

export interface SurveyOptions {
	/** Directories that may be nodes: what name is expected there, if any is. */
	directories: { path: string; name?: string }[]
	/** Names of the nodes whose manifests and dumps count; all when empty. */
	from: readonly string[]
	/** What is passed over and why. */
	note(line: string): void
}

export async function survey({ directories, from, note }: SurveyOptions): Promise<Survey> {
	const nodes: FoundNode[] = []
	const manifests: FoundManifest[] = []
	const counts = ({ name }: FoundNode) => from.length === 0 || from.includes(name)
	const waiting = [...directories]
	for (let next = waiting.shift(); next; next = waiting.shift()) {
		const node = identified(next, note)
		if (!node || nodes.some(({ uuid }) => uuid === node.uuid)) continue
		nodes.push(node)
		if (!counts(node)) continue
		for (const found of await manifestsOf(node, note)) {
			manifests.push(found)
			// It knows of the other nodes, and where they were.
			for (const row of found.state.nodes) if (existsSync(join(row.path, '.cairn', 'node.json'))) waiting.push({ path: row.path, name: row.name })
		}
	}
	manifests.sort((a, b) => (isNewer(a.state, b.state) ? -1 : isNewer(b.state, a.state) ? 1 : 0))
	return { nodes, manifests, dump: await newestDump(nodes.filter(counts), note) }
}

function identified({ path, name }: { path: string; name?: string }, note: (line: string) => void): FoundNode | undefined {
	try {
		const identity = readIdentity(path)
		if (!identity) note(`${path}: no identity file (.cairn/node.json): is it mounted?`)
		else if (name !== undefined && identity.name !== name) note(`${path} is the node ${identity.name}, not ${name}; it is taken for what it is`)
		return identity && { ...identity, path }
	} catch (error) {
		note((error as Error).message)
		return undefined
	}
}

async function manifestsOf(node: FoundNode, note: (line: string) => void): Promise<FoundManifest[]> {
	const found: FoundManifest[] = []
	for (const directory of [DIRECTORY, BEFORE]) {
		const folder = join(node.path, directory)
		if (!existsSync(join(folder, 'state'))) continue
		const state = parseState(await readFile(join(folder, 'state')))
		if (state) found.push({ folder, state })
		else note(`${folder}: the manifest is damaged or of a newer program, and is passed over`)
	}
	return found
}

async function newestDump(nodes: readonly FoundNode[], note: (line: string) => void): Promise<FoundDump | undefined> {
	const candidates: { path: string; name: string }[] = []
	for (const node of nodes) {
		const folder = join(node.path, DUMPS)
		if (!existsSync(folder)) continue
		for (const name of readdirSync(folder)) if (DUMP_NAME.test(name)) candidates.push({ path: join(folder, name), name })
	}
	candidates.sort((a, b) => (a.name < b.name ? 1 : -1))
	for (const { path } of candidates) {
		try {
			const header = await verifyDump(path)
			return { path, header, epoch: header.epoch, seq: header.seq }
		} catch (error) {
			if (!(error instanceof UserError)) throw error
			note(`${error.message}, and is passed over`)
		}
	}
	return undefined
}
