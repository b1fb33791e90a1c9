/**
 * Callers who were refused with ESTALE: another client has moved what the name led to, or saved over it. A kernel looks the name up once
 * more then, opens what it finds, and gives up if that is refused as well. So the second time a file is open before the kernel hears of it, and
 * stays so for a moment, whoever saves over it.
 */
import { type FileRow, KIND } from '../core/catalogue/files.ts'
import * as files from '../core/catalogue/files.ts'
import { codeOf, fail } from '../core/errors.ts'
import { type Filesystem, runAside } from '../core/filesystem/filesystem.ts'
import { catchUp } from '../core/filesystem/follow.ts'
import { open, type OpenRequest } from '../core/filesystem/open.ts'
import { becomeOrphan, type OpenFile } from '../core/filesystem/open-files.ts'
import { release } from '../core/filesystem/publish.ts'
import type { FileId } from '../core/ids.ts'
import { type Op, wait } from '../core/op.ts'

const CALLERS_MAX = 256
const LOOKS_MAX = 10
const HELD_MS = 1_000

interface Caller {
	/** What he was refused to open. */
	refused?: FileId
	write: boolean
	file?: OpenFile
}

export interface AskedAgain {
	/** Whether anybody was refused a moment ago: else there is nothing to do here. */
	isEmpty(): boolean
	/** What is asked of a file by its number: its attributes, say, which a kernel asks for before it opens. */
	ask<T>(pid: number, asked: Op<T>): Op<T>
	/** A file that is looked up: of a caller who was refused it is open afterwards. */
	lookUp(pid: number, look: () => Op<FileRow | undefined>): Op<FileRow | undefined>
	open(pid: number, id: FileId, request: OpenRequest): Op<OpenFile>
}

export function createAskedAgain(fs: Filesystem, isDoubting: () => boolean): AskedAgain {
	const callers = new Map<number, Caller>()

	function* letGo(caller: Caller): Op<void> {
		const { file } = caller
		caller.file = undefined
		if (file) yield* release(fs, file, caller.write)
	}

	/** He may look it up twice before he opens it, and find another. */
	function* hold(pid: number, caller: Caller, id: FileId): Op<void> {
		const file = yield* open(fs, id, { write: caller.write, truncate: false })
		yield* letGo(caller)
		caller.file = file
		// A node was slow, and nobody waits for it any more.
		if (callers.get(pid) !== caller) yield* letGo(caller)
	}

	function refuse(pid: number, caller: Caller): void {
		if (callers.size >= CALLERS_MAX) return
		callers.set(pid, caller)
		setTimeout(() => {
			if (callers.get(pid) === caller) callers.delete(pid)
			runAside(fs, 'closing what nobody has opened', letGo(caller))
		}, HELD_MS).unref()
	}

	return {
		isEmpty: () => callers.size === 0,
		*ask(pid, asked) {
			try {
				return yield* asked
			} catch (error) {
				if (codeOf(error) !== 'ESTALE') throw error
				// Or a name that is kept here would lead there once more.
				yield* catchUp(fs)
				if (!callers.has(pid)) refuse(pid, { write: false })
				throw error
			}
		},
		*lookUp(pid, look) {
			for (let looks = 1; ; looks++) {
				const row = yield* look()
				const caller = callers.get(pid)
				if (!caller || row?.kind !== KIND.regular || row.id === caller.file?.id) return row
				try {
					yield* hold(pid, caller, row.id)
					return row
				} catch (error) {
					if (codeOf(error) !== 'ESTALE' || looks === LOOKS_MAX) return row
				}
			}
		},
		*open(pid, id, request) {
			const caller = callers.get(pid)
			callers.delete(pid)
			const isHis = caller?.refused === id || caller?.file?.id === id
			try {
				// A name that led to it may do so still for the kernel, which was not told yet. Who has it by a descriptor asks for it once more.
				if (!isHis && (fs.open.get(id)?.orphan || (isDoubting() && callers.size < CALLERS_MAX))) fail('ESTALE')
				return yield* open(fs, id, request)
			} catch (error) {
				if (codeOf(error) !== 'ESTALE') throw error
				const file = isHis ? fs.open.get(id) : undefined
				if (!file) {
					if (!isHis) refuse(pid, { refused: id, write: request.write })
					throw error
				}
				yield* markLost(fs, file)
				return yield* open(fs, id, request)
			} finally {
				if (caller) runAside(fs, 'closing what was open a moment longer', letGo(caller))
			}
		},
	}
}

/** What is gone from the tree is opened as it is open already. */
function* markLost(fs: Filesystem, file: OpenFile): Op<void> {
	if (!file.orphan && !(yield* wait(files.find(fs.catalogue, file.id)))) becomeOrphan(file)
}
