/** A door over HTTP on a catalogue and nodes of its own, in this process: what a test of a part needs. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Door, startApi } from '../../api/start.ts'
import { addNode } from '../../cli/node-add.ts'
import type { Role } from '../../core/access/role.ts'
import { toTop } from '../../core/access/scope.ts'
import { makeToken } from '../../core/access/token.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import type { Driver } from '../../core/catalogue/driver.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import type { ApiConfig, Config, ListenConfig, PartialConfig } from '../../core/config/types.ts'
import { run } from '../../core/op.ts'
import { type Engine, sqlite } from '../catalogue/engines.ts'

export interface DoorOptions {
	engine?: Engine
	nodes?: number
	config?: PartialConfig
	api?: Partial<ApiConfig>
	/** Instead of one address that serves everything. */
	listen?: ListenConfig[]
	/** Puts something else where the directory of a node is, before it becomes one. */
	mount?: (path: string, number: number) => void | Promise<void>
}

export interface TestDoor extends Door {
	readonly config: Config
	/** The first address. */
	readonly url: string
	readonly directory: string
	/** The catalogue, past the door. */
	readonly driver: Driver
	readonly reports: string[]
	/** The directory of a node, numbered from 1, and what is below it. */
	node(number: number, path?: string): string
	token(role: Role, settings?: { name?: string; paths?: string[]; perMinute?: number; lastsSeconds?: number }): Promise<string>
	/** `fetch` with a token that may do everything. */
	fetch(path: string, init?: RequestInit): Promise<Response>
	/** Another process would have the same: a second door on the same catalogue. */
	second(): Promise<Door>
}

let tokens = 0

export async function openDoor(test: TestContext, { engine = sqlite, nodes = 2, config: said = {}, api = {}, listen, mount }: DoorOptions = {}): Promise<TestDoor> {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-door-'))
	test.after(() => rmSync(directory, { recursive: true, force: true }))
	const address = await engine.address(test)
	const classes = said.classes ?? [{ name: 'default', pattern: '', copies: 1 }]
	const config = withDefaults({ ...said, classes, catalogue: address, api: { ...api, listen: listen ?? [{ at: '127.0.0.1:0' }] } })
	// What makes the tables has its time, however short a door is to wait.
	const { catalogueTimeoutMs } = withDefaults({})
	const driver = await openCatalogue({ ...config, catalogueTimeoutMs }, { create: true })
	test.after(() => driver.close())
	await initialise(driver, { owner: { uid: 0, gid: 0 }, classes, now: { s: 1, ns: 0 } })
	const node = (number: number, path = '') => join(directory, `node${number}`, path)
	for (let number = 1; number <= nodes; number++) {
		mkdirSync(node(number))
		await mount?.(node(number), number)
		await addNode(driver, `node${number}`, { path: node(number), zone: `zone${number}`, reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	}
	const token: TestDoor['token'] = async (role, { name = `token ${++tokens}`, paths, perMinute = 0, lastsSeconds = 0 } = {}) =>
		run(makeToken(driver, { name, role, scope: paths?.map(toTop), perMinute, lastsSeconds }))
	const all = await token('admin')
	const reports: string[] = []
	const open = async () => {
		const door = await startApi(structuredClone(config), (line) => reports.push(line))
		test.after(() => door.stop())
		return door
	}
	const door = await open()
	const url = door.addresses[0]
	return {
		...door,
		config,
		url,
		directory,
		driver,
		reports,
		node,
		token,
		fetch: (path, init = {}) => fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${all}`, ...init.headers } }),
		second: open,
	}
}
