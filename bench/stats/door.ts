/** The pages through a door over HTTP, as a browser gets them, and what is asked on the command line while it runs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { run, startDaemon } from '../processes.ts'

const CAIRN = join(import.meta.dirname, '../../cairn')
const PORT = 17_790
/** The door remembers the figures of its first page for half a second: they are asked for anew each time. */
const APART_MS = 600

export const LISTEN = `127.0.0.1:${PORT}`

export interface Door {
	/** Milliseconds, of each of so many requests. */
	time(path: string, rounds: number): Promise<number[]>
	stop(): Promise<void>
}

export async function openDoor(config: string): Promise<Door> {
	const { token } = JSON.parse(await run([CAIRN, 'token', 'add', 'bench', '--json', '--config', config])) as { token: string }
	const { stop } = await startDaemon([CAIRN, 'api', '--config', config], { mountPoint: '', readyLine: /^ready/ })
	return {
		stop,
		async time(path, rounds) {
			const ms: number[] = []
			for (let round = 0; round <= rounds; round++) {
				if (path === '/') await sleep(APART_MS)
				const started = performance.now()
				const answer = await fetch(`http://${LISTEN}${path}`, { headers: { authorization: `Bearer ${token}` } })
				const text = await answer.text()
				if (answer.status !== 200 || !text.includes('</html>')) throw new Error(`${path}: ${answer.status}`)
				// The first compiles what all need.
				if (round > 0) ms.push(performance.now() - started)
			}
			return ms
		},
	}
}
