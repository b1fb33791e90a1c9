/** What the agent knows from one run to the next, beside the record: a small file, replaced in one step. */
import fs from 'node:fs'
import type { Directory } from './directory.ts'
import { newAgentId } from './folder.ts'

const FILE = Buffer.from('agent.json')
const FILE_NEW = Buffer.from('agent.json.new')
const AGENT = /^[A-Za-z0-9_-]{8,}$/

export interface Memory {
	/** Who runs, so that two folders do not pass for one. */
	agent: string
	/** The last of the server's notices that was dealt with. */
	notice: number
	lastRun?: { action: string; at: string; exit: number; said: string }
}

/** Where it is missing or damaged we are somebody new: the server says so, and what needs no server goes on. */
export function recall(own: Directory): Memory {
	try {
		const { agent, notice, lastRun } = JSON.parse(fs.readFileSync(own.at(FILE), 'utf8')) as Memory
		if (AGENT.test(agent) && Number.isSafeInteger(notice)) return { agent, notice, ...(lastRun ? { lastRun } : {}) }
	} catch (error) {
		const isDamaged = error instanceof SyntaxError || error instanceof TypeError
		if (!isDamaged && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
	}
	return { agent: newAgentId(), notice: 0 }
}

export async function remember(own: Directory, memory: Memory): Promise<void> {
	const fd = fs.openSync(own.at(FILE_NEW), 'w', 0o600)
	try {
		fs.writeFileSync(fd, `${JSON.stringify(memory)}\n`)
		fs.fsyncSync(fd)
	} finally {
		fs.closeSync(fd)
	}
	fs.renameSync(own.at(FILE_NEW), own.at(FILE))
	await own.sync()
}
