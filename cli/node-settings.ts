/** The options that say how a node is used. */
import type { Argv } from 'yargs'
import { NODE_IO, NODE_STATES, type NodeSettings } from '../core/catalogue/nodes.ts'
import { label } from '../core/config/checks.ts'
import { UserError } from '../core/errors.ts'
import { checked } from './checked.ts'
import { EXIT } from './exit-codes.ts'
import { parseSize } from './sizes.ts'
import type { Common } from './verb.ts'

export interface NodeOptions extends Common {
	zone?: string
	reserve?: string
	weight?: number
	io?: string
	state?: string
}

export function nodeOptions(yargs: Argv<Common>): Argv<NodeOptions> {
	return yargs
		.option('zone', { type: 'string', requiresArg: true, describe: 'building, rack or city' })
		.option('reserve', { type: 'string', requiresArg: true, describe: "space to keep free, as 10G; 'auto': 2 %, at most 1G" })
		.option('weight', { type: 'number', requiresArg: true, describe: 'share of new files under the policy random' })
		.option('io', { choices: NODE_IO, requiresArg: true, describe: 'who moves its data' })
		.option('state', { choices: NODE_STATES, requiresArg: true, describe: 'rw, nc: no new files, ro, drain, down, dead' })
}

/** What the options say, the rest as it was. */
export function withOptions(settings: NodeSettings, options: NodeOptions): NodeSettings {
	const { zone, reserve, weight, io, state } = options
	return {
		path: settings.path,
		zone: zone === undefined ? settings.zone : checked('--zone', zone, label),
		reserve: reserve === undefined ? settings.reserve : reserve === 'auto' ? -1 : parseSize(reserve, '--reserve'),
		weight: weight === undefined ? settings.weight : checkWeight(weight),
		io: (io as NodeSettings['io'] | undefined) ?? settings.io,
		state: (state as NodeSettings['state'] | undefined) ?? settings.state,
	}
}

const WEIGHT_MAX = 1_000_000

function checkWeight(weight: number): number {
	if (Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX) return weight
	throw new UserError(`--weight: a whole number from 0 to ${WEIGHT_MAX}`, EXIT.usage)
}
