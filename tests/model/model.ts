/** A filesystem in memory: what the mounts are held against. Paths are relative; the root is the empty path. */
import { fail } from '../../core/errors.ts'

interface File {
	kind: 'file'
	content: Buffer
}

interface Symlink {
	kind: 'symlink'
	target: string
}

interface Directory {
	kind: 'directory'
	entries: Map<string, Inode>
}

type Inode = File | Symlink | Directory

export class Model {
	readonly #root: Directory = { kind: 'directory', entries: new Map() }

	mkdir(path: string): void {
		const { directory, name } = this.#place(path)
		if (directory.entries.has(name)) fail('EEXIST')
		directory.entries.set(name, { kind: 'directory', entries: new Map() })
	}

	symlink(target: string, path: string): void {
		const { directory, name } = this.#place(path)
		if (directory.entries.has(name)) fail('EEXIST')
		directory.entries.set(name, { kind: 'symlink', target })
	}

	/** Creates or replaces. */
	write(path: string, content: Buffer): void {
		const { directory, name, inode } = this.#place(path)
		if (inode) this.#content(inode).content = content
		else directory.entries.set(name, { kind: 'file', content })
	}

	append(path: string, more: Buffer): void {
		const { inode } = this.#place(path)
		this.write(path, inode ? Buffer.concat([this.#content(inode).content, more]) : more)
	}

	writeAt(path: string, data: Buffer, position: number): void {
		const file = this.#content(this.#found(path))
		const content = Buffer.alloc(Math.max(file.content.length, position + data.length))
		file.content.copy(content)
		data.copy(content, position)
		file.content = content
	}

	truncate(path: string, size: number): void {
		const file = this.#content(this.#found(path))
		const content = Buffer.alloc(size)
		file.content.copy(content)
		file.content = content
	}

	link(from: string, to: string): void {
		const inode = this.#found(from)
		const { directory, name, inode: taken } = this.#place(to)
		if (taken) fail('EEXIST')
		if (inode.kind === 'directory') fail('EPERM')
		directory.entries.set(name, inode)
	}

	unlink(path: string): void {
		if (this.#found(path).kind === 'directory') fail('EISDIR')
		this.#remove(path)
	}

	rmdir(path: string): void {
		const inode = this.#found(path)
		if (inode.kind !== 'directory') return fail('ENOTDIR')
		if (inode.entries.size > 0) fail('ENOTEMPTY')
		this.#remove(path)
	}

	rename(from: string, to: string): void {
		const source = this.#place(from)
		const target = this.#place(to)
		const moved = source.inode ?? fail('ENOENT')
		if (`${to}/`.startsWith(`${from}/`) && to !== from) fail('EINVAL')
		if (`${from}/`.startsWith(`${to}/`) && to !== from) fail('ENOTEMPTY')
		if (target.inode === moved) return
		if (target.inode) checkReplaceable(moved, target.inode)
		source.directory.entries.delete(source.name)
		target.directory.entries.set(target.name, moved)
	}

	read(path: string): Buffer {
		return this.#content(this.#found(path)).content
	}

	readlink(path: string): string {
		const inode = this.#found(path)
		return inode.kind === 'symlink' ? inode.target : fail('EINVAL')
	}

	readdir(path: string): string[] {
		const inode = path === '' ? this.#root : this.#found(path)
		return inode.kind === 'directory' ? [...inode.entries.keys()].sort() : fail('ENOTDIR')
	}

	/** Everything, for the comparison at the end: what is at each path. */
	everything(): Map<string, string | Buffer> {
		const all = new Map<string, string | Buffer>()
		const visit = (directory: Directory, prefix: string) => {
			for (const [name, inode] of directory.entries) {
				all.set(prefix + name, inode.kind === 'file' ? inode.content : inode.kind === 'symlink' ? `-> ${inode.target}` : 'directory')
				if (inode.kind === 'directory') visit(inode, `${prefix}${name}/`)
			}
		}
		visit(this.#root, '')
		return all
	}

	#place(path: string): { directory: Directory; name: string; inode?: Inode } {
		const parts = path.split('/')
		const name = parts.pop() as string
		let directory = this.#root
		for (const part of parts) {
			const inode = directory.entries.get(part) ?? fail('ENOENT')
			if (inode.kind !== 'directory') return fail('ENOTDIR')
			directory = inode
		}
		return { directory, name, inode: directory.entries.get(name) }
	}

	#found(path: string): Inode {
		return this.#place(path).inode ?? fail('ENOENT')
	}

	#remove(path: string): void {
		const { directory, name } = this.#place(path)
		directory.entries.delete(name)
	}

	#content(inode: Inode): File {
		if (inode.kind === 'directory') return fail('EISDIR')
		// Targets lead nowhere: names of symlinks and of files are kept apart by whoever chooses the calls.
		return inode.kind === 'file' ? inode : fail('ENOENT')
	}
}

function checkReplaceable(moved: Inode, replaced: Inode): void {
	if (replaced.kind === 'directory') {
		if (moved.kind !== 'directory') fail('EISDIR')
		if (replaced.entries.size > 0) fail('ENOTEMPTY')
	} else if (moved.kind === 'directory') fail('ENOTDIR')
}
