/** The file that says what of a manifest is current. */
import type { Node } from '../../core/nodes/node.ts'
import { DIRECTORY, FORMAT, FORMAT_VERSION, STATE, type State } from './format.ts'
import { listOnNode, readOnNode, removeOnNode, writeOnNode } from './node-files.ts'
import { seal, unseal } from './sealed.ts'

export const KIND = 'manifest'

/** Undefined where there is none that can be gone on with. */
export async function readState(node: Node): Promise<State | undefined> {
	const data = await readOnNode(node, STATE)
	return data && parseState(data)
}

/** Undefined where it is damaged, or of a program that knows more. */
export function parseState(data: Buffer): State | undefined {
	const state = unseal<State>(data)?.header
	return state?.format === FORMAT && state.version <= FORMAT_VERSION ? state : undefined
}

/** From now on the manifest is what this says, if `mayTake` says so when it is on the disk: that may have taken long. */
export async function writeState(node: Node, state: Omit<State, 'format' | 'version' | 'date' | 'node'>, mayTake: () => Promise<boolean>): Promise<void> {
	const whole: State = { format: FORMAT, version: FORMAT_VERSION, date: new Date().toISOString(), node: node.row.uuid, ...state }
	await writeOnNode(node, STATE, KIND, [seal(whole, [])], mayTake)
}

/** What no state names any more. */
export async function removeOld(node: Node, { base, segments }: Pick<State, 'base' | 'segments'>): Promise<void> {
	const current = new Set(['state', base.name, ...segments.map(({ name }) => name)])
	for (const name of await listOnNode(node, DIRECTORY)) if (!current.has(name)) await removeOnNode(node, `${DIRECTORY}/${name}`)
}
