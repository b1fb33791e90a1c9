/** Files out of forms: which part is taken, whole or not at all; names as browsers and curl write them. */
import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { disposition, filenameOf, parametersOf } from '../../api/content/disposition.ts'
import { boundaryOf, fileOfForm, type PartHead, type Verdict } from '../../api/content/form.ts'
import { HttpError } from '../../api/errors.ts'

const END = '--b--\r\n'
const part = (head: string, body: string) => `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`
const named = ({ filename }: PartHead): Verdict => (filename === '' ? 'skip' : 'take')
/** As SeaweedFS: the first that is a file, else the first of all. */
const theirs = ({ filename }: PartHead, index: number): Verdict => (filename !== '' ? 'take' : index === 0 ? 'spare' : 'skip')

async function read(form: string | Buffer[], judge = theirs): Promise<{ head: string; text: string } | undefined> {
	const body = Readable.from(typeof form === 'string' ? [Buffer.from(form)] : form)
	const file = await fileOfForm(body, 'b', judge)
	if (!file) return undefined
	const chunks: Buffer[] = []
	for await (const chunk of Buffer.isBuffer(file.content) ? [file.content] : file.content) chunks.push(chunk)
	return { head: `${file.field}:${file.filename}`, text: Buffer.concat(chunks).toString('latin1') }
}

test('the first file is taken, else the first part', async () => {
	const [text, file, other] = [part('name="a"', 'text'), part('name="f"; filename="x.txt"', 'content'), part('name="g"; filename="y.txt"', 'other')]
	assert.deepEqual(await read(file + END), { head: 'f:x.txt', text: 'content' })
	assert.deepEqual(await read(text + file + other + END), { head: 'f:x.txt', text: 'content' })
	assert.deepEqual(await read(text + text + END), { head: 'a:', text: 'text' })
	assert.deepEqual(await read(file + text.repeat(5) + END), { head: 'f:x.txt', text: 'content' })
	assert.deepEqual(await read(`preamble\r\n${file}${END}epilogue`), { head: 'f:x.txt', text: 'content' })
	assert.equal(await read(text + END, named), undefined)
	assert.deepEqual(await read(part('name="f"; filename="x.txt"', '') + END), { head: 'f:x.txt', text: '' })
})

test('a form arrives in any pieces', async () => {
	const form = Buffer.from(part('name="a"', '1') + part('name="f"; filename="x"', 'a\r\n--\r\n-b\r\n--') + END)
	for (let size = 1; size < form.length; size++) {
		const pieces = Array.from({ length: Math.ceil(form.length / size) }, (_, at) => form.subarray(at * size, (at + 1) * size))
		assert.deepEqual(await read(pieces), { head: 'f:x', text: 'a\r\n--\r\n-b\r\n--' }, `${size} bytes at a time`)
	}
})

test('a form that is cut off anywhere is refused', async () => {
	const form = part('name="a"', '1') + part('name="f"; filename="x"', 'content') + '--b--'
	for (let length = 0; length < form.length; length++) {
		await assert.rejects(read(form.slice(0, length)), (error: HttpError) => error.status === 400, form.slice(0, length))
	}
})

test('a request that breaks off ends whoever reads', async () => {
	const body = new PassThrough()
	body.write(part('name="f"; filename="x"', 'half').slice(0, -2))
	const file = await fileOfForm(body, 'b', theirs)
	const reading = (async () => {
		for await (const _ of (file?.content ?? []) as AsyncIterable<Buffer>) setImmediate(() => body.destroy())
	})()
	await assert.rejects(reading, HttpError)
})

test('large files pass through, and what comes after them too', async () => {
	const large = Buffer.alloc(3_000_000, 'x')
	const form = [Buffer.from(part('name="f"; filename="x"', '').slice(0, -2)), large, Buffer.from('\r\n' + part('name="g"; filename="y"', 'z'.repeat(100_000)) + END)]
	assert.equal((await read(form))?.text.length, large.length)
	await assert.rejects(read([Buffer.from(part('name="a"', '').slice(0, -2)), large, Buffer.from(`\r\n${END}`)]), (error: HttpError) => error.status === 413)
	await assert.rejects(read(part('name="a"', '').repeat(1_001) + END), (error: HttpError) => error.status === 400)
})

test('boundaries', () => {
	assert.equal(boundaryOf('multipart/form-data; boundary=b'), 'b')
	assert.equal(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b"'), 'a b')
	assert.equal(boundaryOf('image/jpeg'), undefined)
	assert.equal(boundaryOf(undefined), undefined)
	for (const type of ['multipart/form-data', 'multipart/form-data; boundary=', `multipart/form-data; boundary=${'x'.repeat(71)}`]) assert.throws(() => boundaryOf(type), HttpError)
})

test('names of files', () => {
	for (const [header, name] of [
		['form-data; name="f"; filename="x.txt"', 'x.txt'],
		['attachment; filename=x.txt', 'x.txt'],
		['filename="x.txt"', 'x.txt'],
		['form-data; filename="a\\"b\\\\c.txt"', 'a"b\\c.txt'],
		['form-data; filename="back\\slash"', 'back\\slash'],
		['form-data; filename="\\\\\\server\\dir\\x.txt"', 'x.txt'],
		['form-data; filename="a\\"b.txt"', 'a"b.txt'],
		['form-data; filename="C:\\dir\\x.txt"', 'x.txt'],
		['form-data; filename="../../etc/passwd"', 'passwd'],
		['form-data; filename="a;b=c.txt"', 'a;b=c.txt'],
		['attachment; filename="x"; filename*=UTF-8\'\'na%C3%AFve.txt', 'naïve.txt'],
		['attachment; filename*=UTF-8\'\'%ff', ''],
		[Buffer.from('form-data; filename="naïve.txt"').toString('latin1'), 'naïve.txt'],
		['form-data; filename="\xef.txt"', 'ï.txt'],
		['form-data; name="f"', ''],
		['', ''],
	]) {
		assert.equal(filenameOf(header), name, header)
	}
	assert.equal(parametersOf('form-data; NAME=a; name=b').get('name'), 'a')
})

test('a file in a form has the name it has where it comes from, as browsers and curl write it', async () => {
	for (const [written, name] of [['%22q%22', '"q"'], ['new%0Aline%0D', 'new\nline\r'], ['100%25 %41 %2Fx', '100%25 %41 %2Fx'], ['back\\slash', 'back\\slash']]) {
		assert.deepEqual(await read(part(`name="f"; filename="${written}"`, 'x') + END), { head: `f:${name}`, text: 'x' })
	}
})

test('names for whoever downloads', () => {
	assert.equal(disposition('inline', 'x.txt'), 'inline; filename="x.txt"')
	assert.equal(disposition('attachment', ''), 'attachment')
	assert.equal(disposition('attachment', 'a"b\r\nc'), `attachment; filename="a_b__c"; filename*=UTF-8''a%22b%0D%0Ac`)
	assert.equal(disposition('inline', 'naïve (1).txt'), `inline; filename="na_ve (1).txt"; filename*=UTF-8''na%C3%AFve%20%281%29.txt`)
	assert.equal(disposition('inline', '\ud800'), `inline; filename="_"; filename*=UTF-8''%EF%BF%BD`)
})
