/** What became of files in the keeper's tree. What was deleted there is written down for the owner of the folder and stays; what was moved is moved. */
import fs from 'node:fs'
import { remember } from '../folder/memory.ts'
import { BadAnswer, listIn, pathIn, shown, textIn, wholeIn } from '../wire/answers.ts'
import { type Move, moveAll, moveIn } from './moves.ts'
import type { Run } from './run.ts'

const LIMIT = 500
/** A server without an end to them is not listened to for ever. */
const ROUNDS_MAX = 1_000
const FILE = Buffer.from('notices.log')

export async function readNotices(run: Run): Promise<void> {
	const { client, folder, memory, watcher } = run
	for (let round = 0; round < ROUNDS_MAX; round++) {
		const answer = await client.call('GET', `/notices?after=${memory.notice}&limit=${LIMIT}`)
		const notices = listIn(answer, 'notices')
		if (notices.length === 0) return
		let lines = ''
		let last = memory.notice
		const moves: Move[] = []
		for (const notice of notices) {
			const seq = wholeIn(notice, 'seq')
			if (seq <= last) throw new BadAnswer('notices are out of order')
			last = seq
			if (notice['kind'] === 'moved') {
				const move = moveIn(notice)
				if (move) moves.push(move)
				continue
			}
			const kind = textIn(notice, 'kind').replace(/[^a-z-]/g, '?').slice(0, 20)
			lines += `${new Date(wholeIn(notice, 'at') * 1000).toISOString()} ${kind} ${shown(pathIn(notice))}\n`
		}
		const moved = await moveAll(run, moves)
		if (moved > 0) watcher.note(`${moved} files are elsewhere in the archive, and here too now`)
		if (lines !== '') fs.appendFileSync(folder.own.at(FILE), lines)
		memory.notice = last
		await remember(folder.own, memory)
		if (lines !== '') watcher.note('some files are no longer in the archive: see .cairn-backup/notices.log')
		if (answer['more'] !== true) return
	}
}
