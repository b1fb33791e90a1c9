/** An open directory while names come and go. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { given, openListing, rowsAfter } from '../../client/listing.ts'
import type { ListedRow } from '../../core/catalogue/entries.ts'
import { createDirectories } from '../../core/filesystem/directories.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { now } from './installation.ts'

const START = 2

/** A directory as a sorted set of names. */
function directory(...names: string[]) {
	const present = new Set(names)
	const catalogue = {
		all(_: string, [, after, limit]: [number, Uint8Array, number]): ListedRow[] {
			const from = Buffer.from(after).toString()
			const rows = [...present].filter((name) => name > from).sort().slice(0, limit)
			return rows.map((name) => ({ name: Buffer.from(name), id: 1, kind: 8 }) as unknown as ListedRow)
		},
	}
	return { present, fs: { catalogue, directories: createDirectories() } as unknown as Filesystem }
}

const numbered = (number: number) => `n${String(number).padStart(6, '0')}`

/** Reads on from a cookie as the kernel does, `page` entries at a time: names with their cookies. */
function read(fs: Filesystem, listing: ReturnType<typeof openListing>, cookie: number, page: number): Array<[cookie: number, name: string]> {
	const rows = now(rowsAfter(fs, listing, cookie, page)).slice(0, page)
	const first = listing.next
	given(listing, rows.length)
	return rows.map((row, index) => [first + index, Buffer.from(row.name).toString()])
}

function readAll(fs: Filesystem, listing: ReturnType<typeof openListing>, from = START, page = 7): Array<[number, string]> {
	const all: Array<[number, string]> = []
	for (let cookie = from; ; cookie = (all.at(-1) as [number, string])[0]) {
		const some = read(fs, listing, cookie, page)
		if (some.length === 0) return all
		all.push(...some)
	}
}

for (const count of [0, 1, 2, 63, 64, 65, 128, 700, 2_000]) {
	test(`${count} names, each once, in order, cookies growing by one`, () => {
		const names = Array.from({ length: count }, (_, index) => numbered(index))
		const { fs } = directory(...names)
		for (const page of [1, 7, 64, 10_000]) {
			const all = readAll(fs, openListing(1), START, page)
			assert.deepEqual(all.map(([, name]) => name), names)
			assert.deepEqual(all.map(([cookie]) => cookie), names.map((_, index) => index + START + 1))
		}
	})
}

test('going on from any cookie given before gives what follows it', () => {
	const names = Array.from({ length: 300 }, (_, index) => numbered(index))
	const { fs } = directory(...names)
	const listing = openListing(1)
	readAll(fs, listing)
	for (let index = 0; index < names.length; index++) {
		const rest = readAll(fs, listing, START + 1 + index, 50)
		assert.deepEqual(rest.map(([, name]) => name), names.slice(index + 1), `after ${names[index]}`)
	}
})

test('from the beginning it is a new listing: what came meanwhile is in it', () => {
	const { fs, present } = directory('b', 'c')
	const listing = openListing(1)
	readAll(fs, listing)
	present.add('a')
	present.delete('b')
	for (const cookie of [0, 1, START]) {
		// `.` and `..` have the first cookies: the first name follows them.
		assert.deepEqual(readAll(fs, listing, Math.max(cookie, START)).map(([, name]) => name), ['a', 'c'])
	}
})

test('a place whose own name was removed is still a place', () => {
	const { fs, present } = directory('a', 'b', 'c', 'd')
	const listing = openListing(1)
	assert.equal(readAll(fs, listing).length, 4)
	present.delete('b')
	present.delete('a')
	assert.deepEqual(readAll(fs, listing, START + 2).map(([, name]) => name), ['c', 'd'])
})

test('removing all names while listing them (rm -r) misses none', () => {
	const names = Array.from({ length: 1_500 }, (_, index) => numbered(index))
	const { fs, present } = directory(...names)
	const listing = openListing(1)
	let cookie = START
	for (;;) {
		const some = read(fs, listing, cookie, 100)
		if (some.length === 0) break
		for (const [, name] of some) present.delete(name)
		cookie = (some.at(-1) as [number, string])[0]
	}
	assert.equal(present.size, 0)
})

test('a place too long ago to be remembered ends the listing instead of giving something wrong', () => {
	const names = Array.from({ length: 20_000 }, (_, index) => numbered(index))
	const { fs } = directory(...names)
	const listing = openListing(1)
	assert.equal(readAll(fs, listing, START, 10_000).length, names.length)
	assert.ok(listing.names.length < 17_000)
	assert.deepEqual(read(fs, listing, START + 10, 10), [])
	assert.equal(readAll(fs, listing, START, 10_000).length, names.length)
	const remembered = names.length - 100
	assert.deepEqual(read(fs, listing, START + remembered, 1), [[START + remembered + 1, numbered(remembered)]])
})

test('names that are there all the time are listed exactly once, whatever else comes and goes', () => {
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	for (let round = 0; round < 60; round++) {
		const lasting = new Set<string>()
		const { fs, present } = directory()
		for (let count = random.below(400); count > 0; count--) lasting.add(numbered(random.below(5_000) * 2))
		for (const name of lasting) present.add(name)
		const listing = openListing(1)
		const seen: string[] = []
		let cookie = START
		for (;;) {
			for (let times = random.below(6); times > 0; times--) {
				const other = numbered(random.below(5_000) * 2 + 1)
				if (!present.delete(other)) present.add(other)
			}
			const some = read(fs, listing, cookie, 1 + random.below(90))
			if (some.length === 0) break
			seen.push(...some.map(([, name]) => name))
			cookie = (some.at(-1) as [number, string])[0]
		}
		assert.equal(new Set(seen).size, seen.length)
		assert.deepEqual(seen.filter((name) => lasting.has(name)), [...lasting].sort())
		assert.deepEqual(seen, [...seen].sort())
	}
})
