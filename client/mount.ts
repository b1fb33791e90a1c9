/** A mount: the filesystem, the conversation with the kernel, and the end of both. */
import { openCatalogue } from '../core/catalogue/open.ts'
import type { Config } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import { EXIT } from '../core/exit-codes.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { refreshClasses, refreshNodes } from '../core/filesystem/nodes.ts'
import { beginFilesystem, keepAlive, stopFilesystem } from '../core/filesystem/start.ts'
import { explainFor } from '../core/live/explained.ts'
import { offer } from '../core/live/offer.ts'
import { measured } from '../core/metrics/measured-driver.ts'
import { familiesOf } from '../core/metrics/process-families.ts'
import { run } from '../core/op.ts'
import type { Attached, Driver, MountOptions } from './driver.ts'
import { fuse } from './fuse/driver.ts'
import { meter } from './meter.ts'

export type { MountOptions } from './driver.ts'

export interface Mount {
	/** Resolves when the mount is gone and everything is published. */
	ended: Promise<void>
	unmount(): Promise<void>
	/** Takes over what the keeper changed. */
	reload(): void
}

const DRIVERS: Record<MountOptions['driver'], () => Driver | Promise<Driver>> = {
	fuse: () => fuse,
	// Loaded here and not above: its library is optional.
	'fuse-native': async () => (await import('./fuse-native/driver.ts')).fuseNative(),
}

export async function startMount(config: Config, options: MountOptions): Promise<Mount> {
	const report = options.report ?? ((line) => console.error(line))
	// Errors are answers here, thousands a second: without the stack they cost next to nothing.
	if (!process.env.CAIRN_DEBUG) Error.stackTraceLimit = 0
	const driver = await DRIVERS[options.driver]()
	const catalogue = measured(await openCatalogue(config, { holds: true }))
	const fs = await beginFilesystem({ config, catalogue, what: `mount ${options.mountPoint}`, report })
	// What is left open keeps the process, and with it the mount point from who mounts next.
	const stop = () => stopFilesystem(fs).finally(() => catalogue.close())
	const attached = await attach(fs, driver, options).catch(async (error: Error) => {
		await stop()
		throw error
	})
	const quiet = keepAlive(fs)
	const silent = offer({ catalogue: config.catalogue, what: fs.what, metrics: () => familiesOf(fs), top: meter.top, explain: (path) => explainFor(fs, path), report })
	const ended = attached.ended.then(async () => {
		silent()
		quiet()
		await stop()
	})
	return {
		ended,
		async unmount() {
			await attached.detach()
			await ended
		},
		reload() {
			Promise.resolve(run(refreshNodes(fs))).then(() => run(refreshClasses(fs))).catch((error: Error) => report(`reload: ${error.message}`))
		},
	}
}

async function attach(fs: Filesystem, driver: Driver, options: MountOptions): Promise<Attached> {
	refuseWithinNode(fs, options)
	return await driver.attach(fs, options)
}

/** Whoever walks that node would find the tree in the tree. */
function refuseWithinNode({ nodes }: Filesystem, { mountPoint }: MountOptions): void {
	const node = [...nodes.values()].find(({ root }) => mountPoint.startsWith(`${root}/`))
	if (node) throw new UserError(`cannot mount on ${mountPoint}: it lies in the node ${node.name}, at ${node.root}`, EXIT.notStarted)
}
