/** A tree as one can compare it: every path with all that a user can see of it. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { getXattr, listXattrs } from './libc.ts'

export interface Leaf {
	kind: string
	mode: string
	owner: string
	links: number
	size?: number
	content?: string
	target?: string
	device?: number
	xattrs: Record<string, string>
}

/** By path below `root`, names as latin1 so that every byte shows. Hard links show as one group of names. */
export function treeOf(root: string): Record<string, Leaf & { group: string }> {
	const tree: Record<string, Leaf & { group: string }> = {}
	const first = new Map<bigint, string>()
	const visit = (path: Buffer, shown: string) => {
		const { ino } = fs.lstatSync(path, { bigint: true })
		if (!first.has(ino)) first.set(ino, shown)
		tree[shown] = { ...leafOf(path), group: first.get(ino) as string }
		if (tree[shown]?.kind !== 'directory') return
		const names = fs.readdirSync(path, 'buffer').sort(Buffer.compare)
		for (const name of names) visit(Buffer.concat([path, Buffer.from('/'), name]), `${shown}/${name.toString('latin1')}`)
	}
	visit(Buffer.from(root), '')
	return tree
}

function leafOf(path: Buffer): Leaf {
	const stat = fs.lstatSync(path)
	const kind = kindOf(stat)
	return {
		kind,
		mode: (stat.mode & 0o7777).toString(8),
		owner: `${stat.uid}:${stat.gid}`,
		links: stat.nlink,
		...(kind === 'directory' ? {} : { size: stat.size }),
		...(kind === 'file' ? { content: createHash('sha256').update(fs.readFileSync(path)).digest('hex') } : {}),
		...(kind === 'symlink' ? { target: fs.readlinkSync(path, 'latin1') } : {}),
		...(kind === 'device' ? { device: stat.rdev } : {}),
		xattrs: xattrsOf(path),
	}
}

function kindOf(stat: fs.Stats): string {
	if (stat.isFile()) return 'file'
	if (stat.isDirectory()) return 'directory'
	if (stat.isSymbolicLink()) return 'symlink'
	if (stat.isFIFO()) return 'fifo'
	return stat.isSocket() ? 'socket' : 'device'
}

function xattrsOf(path: Buffer): Record<string, string> {
	const names = listXattrs(path).filter((name) => !/^user\.cairn\.|^security\.selinux$/.test(name))
	return Object.fromEntries(names.map((name) => [name, getXattr(path, name).toString('latin1')]))
}
