/** One hashing thread, as the main thread sees it: requests go in, each is answered once. */
import { Errno } from '../../core/errors.ts'
import { takeEarly } from './early.ts'
import { newWorker } from './new-worker.ts'
import { REST, type Reply, type Request } from './packets.ts'

export interface Thread {
	/** The answer, or an Errno. */
	ask(request: Request): Promise<Reply>
	/** Without an answer. */
	tell(request: Request): void
	/** Files asked for and not answered yet: what it has before it. */
	load: number
	/** Who still waits is refused with ECANCELED. It keeps no tree and no file open. */
	rest(): void
}

export function startThread(failed: () => void): Thread {
	const worker = takeEarly() ?? newWorker()
	const waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Errno) => void }>()
	worker.on('message', settle)
	worker.on('error', (error: Error) => {
		failed()
		refuseAll('EIO', `a hashing thread failed: ${error.message}`)
	})

	function settle(reply: Reply): void {
		const asker = waiting.get(reply.id)
		waiting.delete(reply.id)
		// The process may end while it hashes nothing, and not before it has its answers.
		if (waiting.size === 0) worker.unref()
		if (reply.code === undefined) asker?.resolve(reply)
		else asker?.reject(new Errno(reply.code, reply.message))
	}

	function refuseAll(code: string, why: string): void {
		for (const { reject } of waiting.values()) reject(new Errno(code, why))
		waiting.clear()
		worker.unref()
	}

	return {
		ask(request) {
			worker.ref()
			return new Promise((resolve, reject) => {
				waiting.set(request.id, { resolve, reject })
				worker.postMessage(request)
			})
		},
		tell: (request) => worker.postMessage(request),
		load: 0,
		rest() {
			refuseAll('ECANCELED', 'hashing was ended')
			worker.postMessage({ ask: 'rest', id: REST } satisfies Request)
		},
	}
}
