/**
 * A disk whose power is cut: ext4 on a loop device, of whose image a copy is taken. What the kernel has not written to the device
 * by then is not in the copy, as it would not be on the disk. The device's own cache is not part of the model: what was
 * written to it counts as kept.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { detach } from '../support/mount.ts'

export interface CutDisk {
	mountPoint: string
	/** What the disk would have after the power was cut now: a directory to look at, mounted, its journal replayed. */
	cut(): string
	/** The power is cut and comes back: what the disk has then is where the disk was. Nobody may be using it. */
	comeBack(): void
}

/** Nothing reaches it by the clock: what is there was asked for. */
const NEVER_SECONDS = 3_600

export function mountCutDisk(t: TestContext, mountPoint: string, megabytes: number): CutDisk {
	const scratch = mkdtempSync(join(tmpdir(), 'cairn-cut-'))
	const image = join(scratch, 'image')
	const mounted: string[] = []
	let cuts = 0
	const copyNow = () => {
		const copy = `${image}-${++cuts}`
		execFileSync('cp', ['--reflink=never', '--sparse=always', image, copy])
		return copy
	}
	const mount = (file: string, at: string) => {
		mkdirSync(at, { recursive: true })
		execFileSync('mount', ['-o', `loop,commit=${NEVER_SECONDS}`, file, at])
		mounted.push(at)
	}
	writeFileSync(image, '')
	truncateSync(image, megabytes * 1024 * 1024)
	execFileSync('mkfs.ext4', ['-q', '-m', '0', image])
	mount(image, mountPoint)
	rmdirSync(join(mountPoint, 'lost+found'))
	execFileSync('sync', ['-f', mountPoint])
	t.after(() => {
		for (const each of mounted.reverse()) detach(each)
		rmSync(scratch, { recursive: true, force: true })
	})
	return {
		mountPoint,
		cut() {
			const at = join(scratch, `after-${cuts + 1}`)
			mount(copyNow(), at)
			return at
		},
		comeBack() {
			const copy = copyNow()
			detach(mountPoint)
			mount(copy, mountPoint)
		},
	}
}
