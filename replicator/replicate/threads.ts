/**
 * The copying threads, as a run uses them. All runs of a process share them, whatever their nodes: a thread is much memory, and
 * more of them than processors do no more. What comes from afar has threads of its own, which mostly wait.
 */
import { Errno } from '../../core/errors.ts'
import { sharedBy } from '../shared.ts'
import {
	type CopyAnswer,
	type CopyMessage,
	type PlaceMessage,
	type Report,
	type Request,
	type SmallAnswers,
	type SmallMessage,
	type SyncMessage,
	toFailure,
} from './messages.ts'
import { allFailed } from './packets.ts'
import { openPool, type Task, type User } from './pool.ts'

export interface Threads {
	/** An answer for each order. `pace` is asked before each piece, if there is one; `moved` told of the bytes of large files. */
	copy(
		message: Omit<CopyMessage, 'isPaced'>,
		told: { pace?: (bytes: number) => Promise<void>; moved(bytes: number): void },
	): Promise<CopyAnswer[]>
	/** The same of many small files. */
	copySmall(message: Omit<SmallMessage, 'isPaced'>, told: { pace?: (bytes: number) => Promise<void> }): Promise<SmallAnswers>
	/** For each move whether it is done, and on the disk. */
	place(message: PlaceMessage): Promise<boolean[]>
	sync(message: SyncMessage): Promise<void>
	/** Copies end at their next piece with ECANCELED. */
	stop(): void
	end(): void
}

const NOTHING_TOLD = { asked: async () => undefined, moved: () => undefined }

const sharedNear = sharedBy(openPool)
const sharedFar = sharedBy(openPool)

export function openThreads({ near, far }: { near: number; far: number }): Threads {
	const [here, there] = [sharedNear(near), sharedFar(far)]
	const user: User = { isStopped: false }

	function ask(request: Request, told: Pick<Task, 'asked' | 'moved'>): Promise<Report> {
		return new Promise((resolve, reject) => {
			const isFar = 'copy' in request && 'sftp' in request.copy.from
			// What names a single file that came from afar is not worth a thread.
			const { it } = isFar || (here.it.isUnused() && there.it.hasIdle()) ? there : here
			it.submit({ user, request, ...told, settle: (report) => (report instanceof Error ? reject(report) : resolve(report)) })
		})
	}

	return {
		async copy(message, { pace, moved }) {
			const report = await ask({ copy: { ...message, isPaced: pace !== undefined } }, { asked: leaveOf(pace), moved })
			if ('failure' in report) return message.orders.map(() => report.failure)
			return 'answers' in report ? report.answers : []
		},
		async copySmall(message, { pace }) {
			const request = { small: { ...message, isPaced: pace !== undefined } }
			const report = await ask(request, { ...NOTHING_TOLD, asked: leaveOf(pace) })
			if ('small' in report) return report.small
			return allFailed(message, 'failure' in report ? report.failure : toFailure(new Errno('EIO')))
		},
		async place(message) {
			const report = await ask({ place: message }, NOTHING_TOLD)
			return 'placed' in report ? report.placed : Array.from(message.inos, () => false)
		},
		async sync(message) {
			const report = await ask({ sync: message }, NOTHING_TOLD)
			if ('failure' in report) throw new Errno(report.failure.code, report.failure.message)
		},
		stop() {
			user.isStopped = true
			for (const { it } of [here, there]) it.stop(user)
		},
		end() {
			for (const { giveBack } of [here, there]) giveBack()
		},
	}
}

/** Where it is refused the copy is to stop, and is told so. */
function leaveOf(pace: ((bytes: number) => Promise<void>) | undefined): Task['asked'] {
	return async (bytes) => await pace?.(bytes).catch(() => undefined)
}
