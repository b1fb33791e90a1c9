/** Directories being read while names come and go. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createListings, DOTS, givenBefore, type Listings, packNames, PART_ROWS_MAX } from '../../client/listing.ts'
import type { ListedRow } from '../../core/catalogue/entries.ts'
import { createDirectories } from '../../core/filesystem/directories.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { listNames } from '../../core/filesystem/list.ts'
import { createReadAhead } from '../../core/filesystem/read-ahead.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { now } from './installation.ts'

const DIRECTORY = 1

/** A directory as a sorted set of names. */
function directory(...names: string[]) {
	const present = new Set(names)
	const catalogue = {
		commits: () => 0,
		isChangedElsewhere: () => false,
		markSeen() {},
		all(_: string, [, after, limit]: [number, Uint8Array, number]): ListedRow[] {
			const from = Buffer.from(after).toString()
			const rows = [...present].filter((name) => name > from).sort().slice(0, limit)
			return rows.map((name) => ({ name: Buffer.from(name), id: 1, kind: 8 }) as unknown as ListedRow)
		},
	}
	const readAhead = createReadAhead()
	// These names come and go without a word.
	readAhead.listings.keep = () => {}
	return { present, fs: { catalogue, capabilities: { synchronous: true }, directories: createDirectories(), readAhead } as unknown as Filesystem }
}

const numbered = (number: number) => `n${String(number).padStart(6, '0')}`

/** Reads on from a cookie as the kernel does, `page` entries at a time, `rows` of them from the catalogue: names with their cookies. */
function read(fs: Filesystem, listings: Listings, cookie: number, page: number, rows = page): Array<[cookie: number, name: string]> {
	const place = listings.place(DIRECTORY, cookie)
	const asks = place.ahead.length === 0 && !place.ended
	const ahead = asks ? now(listNames(fs, DIRECTORY, place.name, rows)) : place.ahead
	const ended = asks ? ahead.length < rows : place.ended
	const again = givenBefore({ ...place, ahead })
	const names = (again?.rows ?? ahead).slice(0, Math.min(page, PART_ROWS_MAX)).map(({ name }) => name)
	const first = again?.cookie ?? listings.firstCookie()
	if (!again) listings.given(packNames(names), { ...place, name: names.at(-1) ?? place.name, ahead: ahead.slice(names.length), ended })
	return names.map((name, index) => [first + index, Buffer.from(name).toString()])
}

function readAll(fs: Filesystem, listings: Listings, from = DOTS, page = 7, rows = page): Array<[number, string]> {
	const all: Array<[number, string]> = []
	for (let cookie = from; ; cookie = (all.at(-1) as [number, string])[0]) {
		const some = read(fs, listings, cookie, page, rows)
		if (some.length === 0) return all
		all.push(...some)
	}
}

const namesIn = (entries: Array<[number, string]>) => entries.map(([, name]) => name)

for (const count of [0, 1, 2, 63, 64, 65, 128, 700, 2_000]) {
	test(`${count} names, each once, in order, each with a cookie of its own`, () => {
		const names = Array.from({ length: count }, (_, index) => numbered(index))
		const { fs } = directory(...names)
		for (const [page, rows] of [[1, 10], [7, 7], [64, 100], [1_024, 1_024]]) {
			const all = readAll(fs, createListings(), DOTS, page, rows)
			assert.deepEqual(namesIn(all), names)
			assert.equal(new Set(all.map(([cookie]) => cookie)).size, count)
			assert.ok(all.every(([cookie]) => cookie > DOTS && cookie < 2 ** 31))
		}
	})
}

test('going on from any cookie given before gives what follows it', () => {
	const names = Array.from({ length: 150 }, (_, index) => numbered(index))
	const { fs } = directory(...names)
	const listings = createListings()
	for (const [index, [cookie, name]] of readAll(fs, listings).entries()) {
		assert.deepEqual(namesIn(readAll(fs, listings, cookie, 50, 60)), names.slice(index + 1), `after ${name}`)
	}
})

test('from the beginning it is a new listing: what came meanwhile is in it', () => {
	const { fs, present } = directory('b', 'c')
	const listings = createListings()
	readAll(fs, listings)
	present.add('a')
	present.delete('b')
	for (const cookie of [0, 1, DOTS]) assert.deepEqual(namesIn(readAll(fs, listings, cookie)), ['a', 'c'])
})

test('readers of one directory do not see each other', () => {
	const { fs, present } = directory('b', 'd', 'f')
	const listings = createListings()
	const [one] = read(fs, listings, DOTS, 1, 10)
	present.add('a')
	const [other] = read(fs, listings, DOTS, 1, 10)
	assert.deepEqual([one[1], other[1]], ['b', 'a'])
	assert.deepEqual(namesIn(readAll(fs, listings, other[0], 1, 10)), ['b', 'd', 'f'])
	assert.deepEqual(namesIn(readAll(fs, listings, one[0], 1, 10)), ['d', 'f'])
})

test('a place whose own name was removed is still a place', () => {
	const { fs, present } = directory('a', 'b', 'c', 'd')
	const listings = createListings()
	const all = readAll(fs, listings)
	present.delete('b')
	present.delete('a')
	assert.deepEqual(namesIn(readAll(fs, listings, all[1][0])), ['c', 'd'])
})

test('removing all names while listing them (rm -r) misses none', () => {
	const names = Array.from({ length: 1_500 }, (_, index) => numbered(index))
	const { fs, present } = directory(...names)
	const listings = createListings()
	let cookie = DOTS
	for (;;) {
		const some = read(fs, listings, cookie, 100)
		if (some.length === 0) break
		for (const [, name] of some) present.delete(name)
		cookie = (some.at(-1) as [number, string])[0]
	}
	assert.equal(present.size, 0)
})

test('whoever stops reading goes on there however much others read meanwhile', () => {
	const names = Array.from({ length: 20_000 }, (_, index) => numbered(index))
	const { fs } = directory(...names)
	const listings = createListings()
	const stopped = read(fs, listings, DOTS, 100, 120)
	for (let round = 0; round < 10; round++) assert.equal(readAll(fs, listings, DOTS, 1_024).length, names.length)
	assert.throws(() => listings.place(DIRECTORY, stopped[50][0]), { code: 'EIO' }, 'a place in the middle, forgotten')
	assert.deepEqual(namesIn(read(fs, listings, (stopped.at(-1) as [number, string])[0], 3)), names.slice(100, 103))
})

test('whoever goes back and forth gets the same cookies, and none is forgotten', () => {
	const names = Array.from({ length: 5_000 }, (_, index) => numbered(index))
	const { fs, present } = directory(...names)
	const listings = createListings()
	const all = readAll(fs, listings, DOTS, 100)
	for (let from = 0; from < all.length - 1; from++) {
		const page = read(fs, listings, (all[from] as [number, string])[0], 50)
		assert.deepEqual(page, all.slice(from + 1, from + 1 + page.length))
	}
	present.delete(numbered(201))
	assert.deepEqual(namesIn(read(fs, listings, (all[200] as [number, string])[0], 2)), [numbered(202), numbered(203)])
	assert.deepEqual(readAll(fs, listings, (all[0] as [number, string])[0], 64).length, 4_998)
})

test('whoever goes back to where he was in a large directory finds it', () => {
	const names = Array.from({ length: 40_000 }, (_, index) => numbered(index))
	const { fs } = directory(...names)
	const listings = createListings()
	const all = readAll(fs, listings, DOTS, 800)
	assert.deepEqual(namesIn(readAll(fs, listings, all[300][0], 800)).slice(0, 3), names.slice(301, 304))
})

test('a cookie means nothing in another directory', () => {
	const { fs } = directory('a', 'b')
	const listings = createListings()
	const [[cookie]] = read(fs, listings, DOTS, 1)
	assert.throws(() => listings.place(DIRECTORY + 1, cookie), { code: 'EIO' })
	assert.equal(listings.place(DIRECTORY, cookie).name.toString(), 'a')
})

test('a listing is old once somebody else changed a directory since it began', () => {
	const { fs } = directory('a', 'b', 'c')
	const listings = createListings()
	const [[cookie]] = read(fs, listings, DOTS, 1)
	listings.changed()
	const [[next]] = read(fs, listings, cookie, 1)
	assert.ok(listings.isOld(listings.place(DIRECTORY, next)))
	assert.ok(!listings.isOld(listings.place(DIRECTORY, 0)))
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
		const listings = createListings()
		const seen: string[] = []
		let cookie = DOTS
		for (;;) {
			for (let times = random.below(6); times > 0; times--) {
				const other = numbered(random.below(5_000) * 2 + 1)
				if (!present.delete(other)) present.add(other)
			}
			const some = read(fs, listings, cookie, 1 + random.below(90), 1 + random.below(120))
			if (some.length === 0) break
			seen.push(...some.map(([, name]) => name))
			cookie = (some.at(-1) as [number, string])[0]
		}
		assert.equal(new Set(seen).size, seen.length)
		assert.deepEqual(seen.filter((name) => lasting.has(name)), [...lasting].sort())
		assert.deepEqual(seen, [...seen].sort())
	}
})
