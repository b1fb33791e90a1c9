/** The agent's beginning and end. */
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { createThrottle } from '../core/off-site/throttle.ts'
import { EXIT, Ending, exitCodeTable } from './exit-codes.ts'
import { serveHashes } from './fetch/hash-thread.ts'
import { cleanIncoming } from './fetch/incoming.ts'
import { type Folder, isFull, openFolder, type Use } from './folder/folder.ts'
import { Elsewhere } from './folder/lock.ts'
import { type Memory, recall, remember } from './folder/memory.ts'
import { BadPath } from './names/archive-path.ts'
import { openScreen } from './screen/screen.ts'
import type { Watcher } from './screen/watcher.ts'
import { type Arguments, parseArguments } from './settings/arguments.ts'
import { readSettings, type Settings } from './settings/settings.ts'
import { showSize } from './settings/sizes.ts'
import { BadAnswer } from './wire/answers.ts'
import { openClient } from './wire/client.ts'
import { NotNow, Refusal } from './wire/failures.ts'
import { sayHello } from './work/hello.ts'
import { replicate } from './work/replicate.ts'
import { restore } from './work/restore.ts'
import type { Run } from './work/run.ts'
import { statusLines } from './work/status.ts'
import { verify } from './work/verify.ts'
import { walk } from './work/walk.ts'

const NODE_MAJOR_MIN = 20

const HELP = `Keeps an off-site copy of an archive in a folder of this machine.

  node cairn-backup.mjs                    check that everything is in place
  node cairn-backup.mjs -a replicate       fetch what is missing, prove what is here, give back what is asked for
                          [-m MODE]        recent, full or fill-gaps, where the keeper allows it
  node cairn-backup.mjs -a walk [-p PATH]  tell the keeper of files that are in the folder already
  node cairn-backup.mjs -a verify          read every copy, and have what is wrong sent again
  node cairn-backup.mjs -a restore --to DIR [-p PATH]   copies as plain files in another directory
  node cairn-backup.mjs -a status          what is here, and how the last run ended

  -v  say more, where it is not a terminal. Settings: at the top of the file, in cairn-backup.ini beside it, or CAIRN_BACKUP_...

Exit codes:
${exitCodeTable()}`

interface Outcome {
	exit: number
	said: string
}

async function main(): Promise<void> {
	if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) throw new Ending(EXIT.settings, `Node ${NODE_MAJOR_MIN} or newer is needed`)
	const given = parseArguments(process.argv.slice(2))
	if (given.help) return console.log(HELP)
	const settings = readSettings(realpathSync(fileURLToPath(import.meta.url)), process.env)
	const watcher = openScreen(given)
	for (const line of settings.warnings) watcher.warn(line)
	const folder = await openFolder(settings.folder, useOf(given)).catch((error) => elsewhere(error, watcher))
	if (folder === undefined) return
	const memory = recall(folder.own)
	await note(folder, memory, given)
	const outcome = await act(given, { settings, folder, memory, watcher }).catch((error) => outcomeOf(ofDisk(error, folder)))
	watcher.end()
	if (given.action !== 'check') {
		memory.lastRun = { action: given.action, at: new Date().toISOString(), ...outcome }
		await note(folder, memory, given)
	}
	if (outcome.exit !== EXIT.ok && outcome.exit !== EXIT.left) watcher.warn(outcome.said)
	else if (outcome.said !== '') (given.action === 'check' || given.action === 'status' ? console.log : watcher.note)(outcome.said)
	process.exitCode = outcome.exit
}

function useOf({ action }: Arguments): Use {
	return action === 'status' ? 'look' : action === 'restore' ? 'take' : 'change'
}

/** From a disk that is full, or can only be read, something can be taken all the same; and given back to the keeper, who knows by which name this folder ran. */
async function note(folder: Folder, memory: Memory, { action }: Arguments): Promise<void> {
	if (action === 'status') return
	await remember(folder.own, memory).catch((error) => {
		const isBearable = action === 'restore' || (action === 'replicate' && memory.lastRun !== undefined && isFull(error))
		if (!isBearable) throw ofDisk(error, folder)
	})
}

interface Setting {
	settings: Settings
	folder: Folder
	memory: Memory
	watcher: Watcher
}

async function act(given: Arguments, { settings, folder, memory, watcher }: Setting): Promise<Outcome> {
	if (given.action === 'restore') {
		const { files, left } = await restore(folder, watcher, given as { to: string; path?: string })
		return { exit: left > 0 ? EXIT.left : EXIT.ok, said: `${files} files are in ${given.to}${left > 0 ? `, ${left} were left` : ''}` }
	}
	const client = openClient({ ...settings, agent: memory.agent })
	try {
		if (given.action === 'status') return await status(folder, memory, () => sayHello(client, folder, false))
		const hello = await sayHello(client, folder, given.action !== 'check')
		if (given.action === 'check') return { exit: EXIT.ok, said: checkText(settings, folder) }
		const { reserveBytes, direct } = settings
		const run: Run = { folder, client, memory, watcher, reserveBytes, isDirectAllowed: direct, hello, throttle: createThrottle(), hasBundles: true, left: 0, noRoom: 0 }
		cleanIncoming(run)
		const said = await { replicate: () => replicate(run, given.mode), walk: () => walk(run, given.path), verify: () => verify(run) }[given.action]()
		return { exit: run.noRoom > 0 ? EXIT.noRoom : run.left > 0 ? EXIT.left : EXIT.ok, said }
	} finally {
		client.close()
	}
}

async function status(folder: Folder, memory: Memory, ask: () => ReturnType<typeof sayHello>): Promise<Outcome> {
	const hello = await ask().catch((error) => outcomeOf(error).said)
	return { exit: EXIT.ok, said: [...statusLines(folder, memory, hello)].join('\n') }
}

function checkText({ server, site, reserveBytes }: Settings, folder: Folder): string {
	const room = folder.freeBytes() - reserveBytes
	return `everything is in place: ${server.host} knows ${site}; ${folder.path} has room for ${showSize(Math.max(0, room))}`
}

/** The folder's disk fails, or is gone; one of FUSE says the last two. What a network says of a connection is another error by then. */
const DISK_CODES = new Set(['EIO', 'EROFS', 'ENXIO', 'ENODEV', 'ESTALE', 'ENOTCONN', 'ECONNABORTED'])
const OF_SOCKETS = 'shutdown'

/** How we reach a file of ours says nothing to the folder's owner. */
function ofDisk(error: unknown, { path }: Folder): unknown {
	const { code = '', syscall = OF_SOCKETS } = error instanceof Error ? (error as NodeJS.ErrnoException) : {}
	return DISK_CODES.has(code) && syscall !== OF_SOCKETS ? new Ending(EXIT.folder, `the folder ${path} cannot be used: ${code}, ${syscall}`) : error
}

function outcomeOf(error: unknown): Outcome {
	const message = error instanceof Error ? error.message : String(error)
	if (error instanceof Ending) return { exit: error.exit, said: message }
	if (error instanceof NotNow) return { exit: EXIT.ok, said: message }
	if (error instanceof Refusal) return { exit: error.status < 500 && error.status >= 400 ? EXIT.refused : EXIT.unreachable, said: `the server says: ${message}` }
	if (error instanceof BadAnswer) return { exit: EXIT.unreachable, said: `the server's answer makes no sense: ${message}` }
	if (error instanceof BadPath) return { exit: EXIT.usage, said: `-p: ${message}` }
	if (isFull(error)) return { exit: EXIT.noRoom, said: 'the disk is full' }
	return { exit: EXIT.unexpected, said: process.env['CAIRN_DEBUG'] && error instanceof Error ? (error.stack as string) : message }
}

/** The same cron job twice is nothing to write home about. */
function elsewhere(error: unknown, watcher: Watcher): undefined {
	if (!(error instanceof Elsewhere)) throw error
	watcher.note('another run is under way in this folder')
}

// Its other thread is of the same file.
if (!isMainThread) serveHashes()
else {
	main().catch((error) => {
		const { exit, said } = outcomeOf(error)
		console.error(`cairn-backup: ${said}`)
		process.exitCode = exit
	})
}
