/** A door at which anybody may write objects, and what its clients say to it. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Engine } from '../catalogue/engines.ts'
import { type DoorOptions, openDoor, type TestDoor } from './door.ts'

const ANYBODY = [{ at: '127.0.0.1:0', anybody: 'write' as const }]

export interface Assigned {
	fid: string
	url: string
	publicUrl: string
	count: number
}

export function open(t: TestContext, engine: Engine, options: DoorOptions = {}): Promise<TestDoor> {
	return openDoor(t, { engine, listen: ANYBODY, ...options })
}

export async function assign({ url }: { url: string }, query = ''): Promise<Assigned> {
	const response = await fetch(`${url}/dir/assign${query}`)
	assert.equal(response.status, 200, await response.clone().text())
	return (await response.json()) as Assigned
}

export async function upload(url: string, content: string | Buffer, init: RequestInit = {}): Promise<{ status: number; said: Record<string, unknown>; headers: Headers }> {
	const response = await fetch(url, { method: 'PUT', body: new Uint8Array(Buffer.from(content)), ...init })
	const text = await response.text()
	return { status: response.status, said: text === '' ? {} : JSON.parse(text), headers: response.headers }
}

export function form(content: string | Buffer, name: string, type = ''): FormData {
	const data = new FormData()
	data.set('file', new Blob([new Uint8Array(Buffer.from(content))], { type }), name)
	return data
}

/** All plain files below `.blobs` on a node, by path. */
export function plainFiles(door: TestDoor, number = 1): string[] {
	const top = door.node(number, '.blobs')
	if (!existsSync(top)) return []
	return readdirSync(top, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(top.length + 1))
}
