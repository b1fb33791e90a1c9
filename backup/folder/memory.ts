/** What the agent knows from one run to the next, beside the record: a small file, replaced in one step. */
import fs from 'node:fs'
import type { Directory } from './directory.ts'
import { newAgentId } from './folder.ts'

const FILE = Buffer.from('agent.json')
const FILE_NEW = Buffer.from('agent.json.new')

export interface Memory {
	/** Who runs, so that two folders do not pass for one. */
	agent: string
	/** The last of the server's notices that was dealt with. */
	notice: number
	lastRun?: { action: string; at: string; exit: number; said: string }
}

export function recall(own: Directory): Memory {
	try {
		const { agent, notice, lastRun } = JSON.parse(fs.readFileSync(own.at(FILE), 'utf8')) as Memory
		return { agent, notice, ...(lastRun ? { lastRun } : {}) }
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
		return { agent: newAgentId(), notice: 0 }
	}
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
