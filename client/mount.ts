/** A mount: the filesystem, the conversation with the kernel, and the end of both. */
import type { ChangeRow } from '../core/catalogue/changes.ts'
import { readPlaceDetail } from '../core/catalogue/changes.ts'
import { checkSchema } from '../core/catalogue/migrate.ts'
import { openCatalogue } from '../core/catalogue/open.ts'
import type { Config } from '../core/config/types.ts'
import { refreshClasses, refreshNodes } from '../core/filesystem/nodes.ts'
import { keepAlive, startFilesystem, stopFilesystem } from '../core/filesystem/start.ts'
import { run } from '../core/op.ts'
import { createDoor } from './door.ts'
import { initHandler } from './fuse/init.ts'
import { attach, detach } from './fuse/mount-point.ts'
import { createNotifier, type Notifier } from './fuse/notify.ts'
import { createPassthrough } from './fuse/passthrough.ts'
import { OP } from './fuse/protocol.ts'
import { openSession } from './fuse/session.ts'
import { handlersFor } from './handlers.ts'

export interface MountOptions {
	mountPoint: string
	readOnly: boolean
	allowOther: boolean
	driver: 'fuse' | 'fuse-native'
	io: 'auto' | 'passthrough' | 'carried'
	fsname: string
	kernelOptions: string[]
	report?: (line: string) => void
}

export interface Mount {
	/** Resolves when the mount is gone and everything is published. */
	ended: Promise<void>
	unmount(): Promise<void>
	/** Takes over what the keeper changed. */
	reload(): void
}

export async function startMount(config: Config, options: MountOptions): Promise<Mount> {
	const report = options.report ?? ((line) => console.error(line))
	// Errors are answers here, thousands a second: without the stack they cost next to nothing.
	if (!process.env.CAIRN_DEBUG) Error.stackTraceLimit = 0
	const catalogue = await openCatalogue(config)
	await checkSchema(catalogue)
	const fs = await run(startFilesystem({ config, catalogue, what: `mount ${options.mountPoint}`, report }))
	const fd = await attach(options)
	const notifier = createNotifier(fd, report)
	fs.onChange = (change) => invalidate(notifier, change)
	const agreed = { passthrough: false }
	const passthrough = createPassthrough(fd, () => agreed.passthrough, report)
	const door = createDoor(fs, passthrough, notifier.entry)
	const handlers = handlersFor(door)
	handlers.set(OP.INIT, initHandler(options.io !== 'carried', (result) => Object.assign(agreed, result)))
	let gone: () => void
	const detached = new Promise<void>((resolve) => {
		gone = resolve
	})
	const session = openSession({ fd, handlers, onEnd: () => gone(), report })
	const quiet = keepAlive(fs)
	session.start()
	const ended = detached.then(async () => {
		quiet()
		await stopFilesystem(fs)
		await catalogue.close()
	})
	return {
		ended,
		async unmount() {
			detach(options.mountPoint)
			await ended
		},
		reload() {
			Promise.resolve(run(refreshNodes(fs))).then(() => run(refreshClasses(fs))).catch((error: Error) => report(`reload: ${error.message}`))
		},
	}
}

/** What another client changed, as the kernel has to hear it. */
function invalidate(notifier: Notifier, change: ChangeRow): void {
	const { op, parent_id, name, file_id, detail } = change
	if (parent_id !== null && name !== null) {
		notifier.entry(parent_id, name)
		notifier.inode(parent_id, true)
	}
	if (detail !== null) {
		const to = readPlaceDetail(detail)
		notifier.entry(to.parent, to.name)
		notifier.inode(to.parent, true)
	}
	if (file_id !== null) notifier.inode(file_id, op !== 'publish')
}
