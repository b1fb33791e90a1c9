/** Forms that are at hand are taken apart as those that come in pieces are: the same file and the same refusals, of generated forms, ill ones too. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { fileOfForm, type Judge } from '../../api/content/form.ts'
import { partsOfWhole } from '../../api/content/whole-form.ts'
import { HttpError } from '../../api/errors.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const FORMS = 10_000
const BOUNDARIES = ['b', '----WebKitFormBoundary7MA4YWxkTrZu0gW', 'with space', "'()+_,-./:=?", 'ä', '-', '--']
const NAMES = ['x.txt', '', 'C:\\dir\\x.txt', 'a\\"b', 'naïve', '../up', 'semi;colon="x"']
const JUDGES: Record<string, Judge> = {
	objects: ({ filename }, index) => (filename !== '' ? 'take' : index === 0 ? 'spare' : 'skip'),
	files: ({ filename }) => (filename === '' ? 'skip' : 'only'),
	sfss: ({ field }) => (field === 'upload_file' ? 'take' : 'skip'),
}

type Pick = <T>(list: readonly T[]) => T

function headOf(pick: Pick): string {
	const name = pick(['upload_file', 'file', 'a', ''])
	const disposition = pick([
		`Content-Disposition: form-data; name="${name}"; filename="${pick(NAMES)}"`,
		`content-disposition: form-data; name="${name}"`,
		`Content-Disposition:form-data; name=${name}; filename*=UTF-8''${encodeURIComponent(pick(NAMES))}`,
		`Content-Disposition: form-data; name="${name}"; filename="x"; filename*=UTF-8''na%C3%AFve`,
	])
	const others = ['Content-Type: image/png', 'Content-Type: ', 'Content-MD5: x', 'Content-Encoding: gzip', 'X-y:\tz ']
	const odd = ['no colon', ' folded', ': nameless', 'Name : spaced', 'bare\rreturn: x', 'bare: line\nbreak', '__proto__: x', disposition]
	const lines = [disposition, ...pick([[], [pick(others)], others, [pick(others), pick(odd)], [pick(odd), pick(others)]])]
	return lines.join('\r\n')
}

function contentOf(pick: Pick, boundary: string): string {
	return pick(['', 'content', '\r\n', `--${boundary}`, `\r\n-${boundary}`, `\r\n--${boundary.slice(0, -1)}`, `x\n--${boundary}--\n`, '\r\n--', '\0\xff'.repeat(50), `\r\n--${boundary}x`, `\r\n\r\n--${boundary}`, '-', '\r'])
}

function formOf(pick: Pick, boundary: string): Buffer {
	const parts = Array.from({ length: pick([1, 1, 1, 2, 3, 0, 20]) }, () => {
		const content = contentOf(pick, boundary) + pick(['', contentOf(pick, boundary)])
		return `--${boundary}${pick(['\r\n', '\r\n', '\r\n', '\r\n', '\n', ' \r\n', ''])}${pick([headOf(pick), headOf(pick), headOf(pick), ''])}\r\n\r\n${content}${pick(['\r\n', '\r\n', '\r\n', '\r\n', '\n', ''])}`
	})
	const whole = pick(['', '', '', '', 'preamble\r\n', '\r\n']) + parts.join('') + pick([`--${boundary}--\r\n`, `--${boundary}--\r\n`, `--${boundary}--`, `--${boundary}-- `, `--${boundary}--epilogue`, `--${boundary}-`, `--${boundary}`, ''])
	const form = Buffer.from(whole)
	return form.subarray(0, pick([form.length, form.length, form.length, Math.floor(form.length * 0.9), form.length - 1]))
}

async function answer(body: Buffer | Readable, boundary: string, judge: Judge): Promise<unknown> {
	try {
		const file = await fileOfForm(body, boundary, judge)
		if (!file) return undefined
		const chunks: Buffer[] = []
		for await (const chunk of Buffer.isBuffer(file.content) ? [file.content] : file.content) chunks.push(chunk)
		return { ...file, content: Buffer.concat(chunks).toString('latin1') }
	} catch (error) {
		if (error instanceof HttpError) return error.status
		throw error
	}
}

const seed = seedOfRun()

test(`generated forms (seed ${seed})`, async () => {
	const { pick } = randomFrom(seed)
	let usual = 0
	for (let count = 0; count < FORMS; count++) {
		const boundary = pick(BOUNDARIES)
		const form = formOf(pick, boundary)
		const name = pick(Object.keys(JUDGES))
		if (partsOfWhole(form, boundary)) usual++
		assert.deepEqual(await answer(form, boundary, JUDGES[name]), await answer(Readable.from([form]), boundary, JUDGES[name]), `${name}, '${boundary}': ${JSON.stringify(form.toString('latin1'))}`)
	}
	assert.ok(usual > FORMS / 10, `${usual}`)
})

test('what clients send is taken apart at once', () => {
	const disposition = 'Content-Disposition: form-data; name="file"; filename="x.txt"\r\nContent-Type: text/plain'
	for (const boundary of BOUNDARIES) {
		const form = Buffer.from(`--${boundary}\r\n${disposition}\r\n\r\ncontent\r\n--${boundary}\r\n${disposition}\r\n\r\n\r\n--${boundary}--\r\n`)
		assert.deepEqual(partsOfWhole(form, boundary)?.map(({ content }) => content.toString()), ['content', ''], boundary)
	}
})
