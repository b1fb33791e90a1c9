/** `cairn put FILE... TARGET`: files of this machine into the tree, through a door. */
import { createHash } from 'node:crypto'
import { createReadStream, type Stats, statSync } from 'node:fs'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { UserError } from '../core/errors.ts'
import { showBytes } from '../core/text.ts'
import type { Run } from '../replicator/run.ts'
import { withAttempts } from './attempts.ts'
import type { DoorAddress } from './door-address.ts'
import { ask, Refused, told } from './door-request.ts'
import { EXIT } from './exit-codes.ts'
import { addressOf, type TransferOptions, transfer, transferOptions } from './transfer.ts'
import { typedWords } from './typed-name.ts'
import type { Deps, Verb } from './verb.ts'

interface Options extends TransferOptions {
	paths: string[]
}

export const put: Verb<Options> = (deps) => ({
	command: 'put <paths..>',
	describe: 'FILE... TARGET: files into the tree, through a door over HTTP',
	builder: (yargs) =>
		transferOptions(yargs.positional('paths', { type: 'string', array: true, demandOption: true, describe: 'files, and where in the tree, from its root; a directory ends in /' })),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const files = typedWords(options.paths.map(String))
	const target = files.pop() as Buffer
	const isDirectory = target.at(-1) === SLASH
	if (files.length === 0) throw new UserError('put what, and where? cairn put FILE... TARGET', EXIT.usage)
	if (files.length > 1 && !isDirectory) throw new UserError(`${showBytes(target)}: where several files go is a directory, and ends in /`, EXIT.usage)
	await transfer('put', options, deps, async (door, shown) => {
		const known = files.map((file) => ({ file, stat: statOf(file, shown) })).filter((each): each is Local => each.stat !== undefined)
		shown.expect(known.length, known.reduce((sum, { stat }) => sum + stat.size, 0))
		for (const local of known) {
			if (shown.signal.aborted) return
			const address = addressOf(isDirectory ? Buffer.concat([target, nameOf(local.file)]) : target)
			try {
				shown.done(await putOne(door, local, address, shown), local.stat.size)
			} catch (error) {
				shown.trouble(local.file, (error as Error).message)
			}
		}
	})
}

const SLASH = 0x2f

function nameOf(file: Buffer): Buffer {
	return file.subarray(file.lastIndexOf(SLASH) + 1)
}

interface Local {
	file: Buffer
	stat: Stats
}

function statOf(file: Buffer, shown: Run): Stats | undefined {
	const stat = statSync(file, { throwIfNoEntry: false })
	if (stat?.isFile()) return stat
	shown.expect(1, 0)
	shown.trouble(file, stat ? 'is not a file' : 'is not there')
	return undefined
}

/** What is there already and is the same is not sent again: a run that was broken off goes on where it was. */
async function putOne(door: DoorAddress, local: Local, address: string, shown: Run): Promise<string> {
	if (await isThere(door, local, address)) return 'known'
	await withAttempts(shown.signal, () => send(door, local, address, shown))
	return 'put'
}

async function isThere(door: DoorAddress, { file, stat }: Local, address: string): Promise<boolean> {
	const response = await ask(door, { method: 'HEAD', path: address })
	response.resume()
	if (response.statusCode !== 200 || Number(response.headers['content-length']) !== stat.size) return false
	return response.headers.etag === `"${await hashOf(file)}"`
}

async function hashOf(file: Buffer): Promise<string> {
	const hash = createHash('sha256')
	await pipeline(createReadStream(file), hash)
	return hash.digest('hex')
}

async function send(door: DoorAddress, { file, stat }: Local, address: string, shown: Run): Promise<void> {
	const hash = createHash('sha256')
	let sent = 0
	const body = createReadStream(file).pipe(
		new Transform({
			transform(chunk: Buffer, _, done) {
				hash.update(chunk)
				sent += chunk.length
				shown.moved(chunk.length)
				done(null, chunk)
			},
		}),
	)
	const stop = () => body.destroy(new Error('stopped'))
	shown.signal.addEventListener('abort', stop, { once: true })
	try {
		const headers = { 'content-length': stat.size, 'x-oc-mtime': (stat.mtimeMs / 1000).toFixed(9) }
		const { sha256 } = JSON.parse(await told(await ask(door, { method: 'PUT', path: address, headers, body }))) as { sha256?: string }
		if (sha256 !== undefined && sha256 !== hash.digest('hex')) throw new Refused(0, 'what arrived is not what was sent')
	} catch (error) {
		// What was shown of it is to come again.
		shown.moved(-sent)
		throw error
	} finally {
		shown.signal.removeEventListener('abort', stop)
	}
}
