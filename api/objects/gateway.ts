/** What the routes of this part share, one for a door however many addresses it has. */
import { readFileSync, statSync } from 'node:fs'
import { UserError } from '../../core/errors.ts'
import { EXIT } from '../../core/exit-codes.ts'
import type { Api } from '../api.ts'
import { createReserve, type Reserve } from './reserve.ts'
import { createVolumes, type Volumes } from './volumes.ts'

export interface Gateway extends Api {
	readonly volumes: Volumes
	readonly reserve: Reserve
	/** Signs tokens for single objects; '' where there are none. */
	readonly key: string
}

const READABLE_BY_OTHERS = 0o044

const gateways = new WeakMap<Api, Gateway>()

export function gatewayOf(api: Api): Gateway {
	const known = gateways.get(api)
	if (known) return known
	const gateway = { ...api, volumes: createVolumes(api.fs), reserve: createReserve(api.fs), key: readKey(api.config.api.objectKeyFile) }
	gateways.set(api, gateway)
	return gateway
}

function readKey(file: string): string {
	if (file === '') return ''
	const found = statSync(file, { throwIfNoEntry: false })
	if (!found?.isFile()) throw new UserError(`api.objectKeyFile: ${file} is not a file`, EXIT.configuration)
	if (found.mode & READABLE_BY_OTHERS) throw new UserError(`api.objectKeyFile: ${file} may be read by others than its owner (chmod 600)`, EXIT.configuration)
	const key = readFileSync(file, 'utf8').trim()
	return key === '' ? refuse(file) : key
}

function refuse(file: string): never {
	throw new UserError(`api.objectKeyFile: ${file} is empty`, EXIT.configuration)
}
