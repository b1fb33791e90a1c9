/** The catalogue's password: the environment, the configuration itself or a file, the first that has it. */
import { readFileSync, statSync } from 'node:fs'
import { codeOf } from '../errors.ts'
import { Wrong } from './checks.ts'
import type { Config, PartialConfig } from './types.ts'

const READABLE_BY_OTHERS = 0o044

/** Of what the file itself said: a password in it must not be for everyone to read. */
export function checkSecrets(said: PartialConfig, file: string): void {
	const inUrl = /^[a-z]+:\/\/[^/@]*:[^/@]+@/i.test(said.catalogue ?? '')
	if (inUrl || said.cataloguePassword) checkPrivate(inUrl ? 'catalogue' : 'cataloguePassword', file)
}

export function findPassword(config: Config, environment: NodeJS.ProcessEnv): string {
	const { cataloguePasswordFile: file } = config
	return environment.CAIRN_CATALOGUE_PASSWORD || config.cataloguePassword || (file === '' ? '' : readSecret('cataloguePasswordFile', file))
}

function readSecret(key: string, file: string): string {
	checkPrivate(key, file)
	try {
		return readFileSync(file, 'utf8').trimEnd()
	} catch (error) {
		throw unreadable(key, file, error)
	}
}

function checkPrivate(key: string, file: string): void {
	const mode = modeOf(key, file)
	if (mode & READABLE_BY_OTHERS) {
		throw new Wrong(`${key}: ${file} holds a password and has mode ${(mode & 0o777).toString(8)}, allowed: readable by its owner only (chmod 600)`)
	}
}

function modeOf(key: string, file: string): number {
	try {
		return statSync(file).mode
	} catch (error) {
		throw unreadable(key, file, error)
	}
}

function unreadable(key: string, file: string, error: unknown): Wrong {
	return new Wrong(`${key}: ${file} cannot be read (${codeOf(error)})`)
}
