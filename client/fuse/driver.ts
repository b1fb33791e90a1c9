/** The driver that speaks the kernel's protocol itself. */
import type { ChangeRow } from '../../core/catalogue/changes.ts'
import { readPlaceDetail } from '../../core/catalogue/changes.ts'
import { createDoor } from '../door.ts'
import type { Driver } from '../driver.ts'
import { handlersFor } from '../handlers.ts'
import { meter } from '../meter.ts'
import { type Agreed, initHandler } from './init.ts'
import { attach, detach } from './mount-point.ts'
import { createNotifier, type Notifier } from './notify.ts'
import { createPassthrough } from './passthrough.ts'
import { OP } from './protocol.ts'
import { openSession } from './session.ts'

/** The mount point is gone at once; who still has files open may finish for this long, then the kernel is told that nobody answers. */
const OPEN_FILES_GRACE_MS = 10_000

export const fuse: Driver = {
	async attach(fs, options) {
		const { report } = fs
		const fd = await attach(options)
		const notifier = createNotifier(fd, report)
		const agreed: Agreed = { passthrough: false, withoutOpendir: false }
		const passthrough = createPassthrough(fd, () => agreed.passthrough, report)
		const door = createDoor(fs, {
			passthrough,
			agreed,
			forgetListing: (directory) => notifier.inode(directory, false),
			forgetAttributes: notifier.attributesAtOnce,
			isTelling: notifier.isTelling,
			doubtName: ({ parent, name }) => notifier.doubt(parent, name),
			isDoubting: notifier.isDoubting,
		})
		fs.onChange = (change) => {
			door.listings.changed()
			invalidate(notifier, change)
		}
		const handlers = handlersFor(door)
		handlers.set(OP.INIT, initHandler(options.io !== 'carried', (result) => Object.assign(agreed, result)))
		const { promise: ended, resolve: onEnd } = Promise.withResolvers<void>()
		const session = openSession({ fd, handlers, onEnd, report, meter })
		fs.afterAnswer = session.afterReply
		session.start()
		return {
			ended,
			async detach() {
				await detach(options.mountPoint)
				setTimeout(() => {
					session.end()
					onEnd()
				}, OPEN_FILES_GRACE_MS).unref()
			},
		}
	},
}

/** What another client changed, as the kernel has to hear it. The content of a directory is the listing the kernel keeps. */
function invalidate(notifier: Notifier, change: ChangeRow): void {
	const { op, parent_id, name, file_id, detail } = change
	if (parent_id !== null && name !== null) {
		notifier.entry(parent_id, name)
		notifier.inode(parent_id, false)
	}
	if (detail !== null) {
		const to = readPlaceDetail(detail)
		notifier.entry(to.parent, to.name)
		notifier.inode(to.parent, false)
	}
	if (file_id !== null) notifier.inode(file_id, op !== 'publish')
}
