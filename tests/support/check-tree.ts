/**
 * An independent checker: does what the catalogue says agree with what is on the nodes? To be asked when nothing is mounted
 * any more; it reads the database and the nodes' directories by itself and uses no code of core/.
 */
import { type Dirent, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readCatalogue, type Rows } from './catalogue-rows.ts'

const ROOT = 1
const REGULAR = 8
const DIRECTORY = 4
const SYMLINK = 10
const GOOD = 1

export interface CheckOptions {
	/** Nodes that were away when the mount ended: intents may stand on them and old files be left there. */
	away?: readonly string[]
}

/** What is wrong, a line each: an empty list is a sound tree. */
export async function checkTree(catalogue: string, options: CheckOptions = {}): Promise<string[]> {
	const rows = await readCatalogue(catalogue)
	const { names, problems } = pathsOf(rows)
	const away = new Set(options.away)
	const reachable = rows.nodes.filter((node) => !away.has(node.name))
	return [
		...problems,
		...checkLinks(rows, names),
		...checkReplicas(rows, names, reachable),
		...reachable.flatMap((node) => checkNode(rows, names, node)),
		...checkRest(rows, away),
	]
}

/** Every name of every file, as bytes in latin1, without the first slash. */
function pathsOf(rows: Rows): { names: Map<number, string[]>; problems: string[] } {
	const below = new Map<number, Rows['entries']>()
	for (const entry of rows.entries) below.set(entry.parent, [...(below.get(entry.parent) ?? []), entry])
	const names = new Map<number, string[]>([[ROOT, ['']]])
	const visited = new Set<number>()
	const waiting: [id: number, path: string][] = [[ROOT, '']]
	for (let next = waiting.pop(); next; next = waiting.pop()) {
		const [id, path] = next
		if (visited.has(id)) continue
		visited.add(id)
		for (const { name, file } of below.get(id) ?? []) {
			const full = path === '' ? name.toString('latin1') : `${path}/${name.toString('latin1')}`
			names.set(file, [...(names.get(file) ?? []), full])
			if (below.has(file)) waiting.push([file, full])
		}
	}
	const problems = [...below.keys()].filter((id) => !visited.has(id)).map((id) => `directory ${id} is not reached from the root`)
	return { names, problems }
}

function checkLinks(rows: Rows, names: Map<number, string[]>): string[] {
	const problems: string[] = []
	const known = new Set(rows.files.map((file) => file.id))
	for (const { parent, name, file } of rows.entries) {
		if (!known.has(file)) problems.push(`entry ${parent}/${name.toString('latin1')} leads to file ${file}, which is not there`)
	}
	for (const file of rows.files) {
		const paths = names.get(file.id) ?? []
		if (paths.length === 0) problems.push(`file ${file.id} has no name and nobody has it open`)
		const isDirectory = file.kind === DIRECTORY
		if (isDirectory && paths.length > 1) problems.push(`directory ${file.id} has the names ${paths.join(', ')}`)
		if (!isDirectory && file.nlink !== paths.length) problems.push(`${paths[0]}: nlink ${file.nlink}, names ${paths.length}`)
	}
	return problems
}

/** Every regular file has a good copy, and every good copy is there in full under each of the file's names. */
function checkReplicas(rows: Rows, names: Map<number, string[]>, reachable: Rows['nodes']): string[] {
	const problems: string[] = []
	const files = new Map(rows.files.map((file) => [file.id, file]))
	const nodes = new Map(reachable.map((node) => [node.id, node]))
	const good = new Map<number, number>()
	for (const replica of rows.replicas) {
		const file = files.get(replica.file)
		if (!file) {
			problems.push(`replica of file ${replica.file} on node ${replica.node}: no such file`)
			continue
		}
		if (replica.state !== GOOD || replica.version !== file.version) continue
		good.set(file.id, (good.get(file.id) ?? 0) + 1)
		const node = nodes.get(replica.node)
		if (node) for (const path of names.get(file.id) ?? []) problems.push(...checkCopy(node, path, file))
	}
	for (const file of rows.files) {
		if (file.kind === REGULAR && !good.has(file.id)) problems.push(`${names.get(file.id)?.[0]}: no good copy anywhere`)
	}
	return problems
}

function checkCopy(node: Rows['nodes'][number], path: string, file: Rows['files'][number]): string[] {
	const stat = lstatSync(onDisk(node.path, path), { throwIfNoEntry: false })
	const where = `${node.name}: ${path}`
	if (!stat) return [`${where}: a good copy is not there`]
	if (file.kind === SYMLINK) return stat.isSymbolicLink() ? [] : [`${where}: not a symlink`]
	if (!stat.isFile()) return [`${where}: not a plain file`]
	return stat.size === file.size ? [] : [`${where}: ${stat.size} bytes, the catalogue says ${file.size}`]
}

/** No file on the node that the catalogue does not place there; no directory that is something else. */
function checkNode(rows: Rows, names: Map<number, string[]>, node: Rows['nodes'][number]): string[] {
	const here = new Set(rows.replicas.filter((replica) => replica.node === node.id).map((replica) => replica.file))
	const files = new Set<string>()
	const directories = new Set<string>()
	for (const { id, kind } of rows.files) {
		if (kind === DIRECTORY) for (const path of names.get(id) ?? []) directories.add(path)
		else if (here.has(id)) for (const path of names.get(id) ?? []) files.add(path)
	}
	const problems: string[] = []
	for (const { path, entry } of walk(node.path)) {
		const isKnown = entry.isDirectory() ? directories.has(path) : files.has(path)
		if (!isKnown) problems.push(`${node.name}: ${path} is unknown to the catalogue`)
	}
	return problems
}

function* walk(root: string, below = ''): Generator<{ path: string; entry: Dirent<Buffer> }> {
	const entries = readdirSync(onDisk(root, below), { encoding: 'buffer', withFileTypes: true })
	for (const entry of entries) {
		const name = entry.name.toString('latin1')
		if (below === '' && (name === '.cairn' || name === 'lost+found')) continue
		const path = below === '' ? name : `${below}/${name}`
		yield { path, entry }
		if (entry.isDirectory()) yield* walk(root, path)
	}
}

function onDisk(root: string, path: string): Buffer {
	return path === '' ? Buffer.from(root) : Buffer.concat([Buffer.from(`${join(root)}/`), Buffer.from(path, 'latin1')])
}

function checkRest(rows: Rows, away: ReadonlySet<string>): string[] {
	const name = new Map(rows.nodes.map((node) => [node.id, node.name]))
	const standing = rows.intents.filter((intent) => !away.has(name.get(intent.node) ?? ''))
	return [
		...standing.map((intent) => `intent to ${intent.op} ${intent.path.toString('latin1')} stands on ${name.get(intent.node)}`),
		...rows.writers.map((writer) => `client ${writer.client} is still down as a writer of file ${writer.file}`),
	]
}
