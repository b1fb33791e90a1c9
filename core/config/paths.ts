/** Relative paths in a configuration are relative to its file. */
import { dirname, resolve } from 'node:path'
import type { Config } from './types.ts'

const SQLITE = 'sqlite:'

export function resolvePaths(config: Config, file: string): Config {
	const from = (path: string) => (path === '' ? '' : resolve(dirname(file), path))
	const nodes = Object.entries(config.nodes).map(([name, node]) => [name, node.path ? { ...node, path: from(node.path) } : node])
	return {
		...config,
		catalogue: resolveCatalogue(config.catalogue, from),
		cataloguePasswordFile: from(config.cataloguePasswordFile),
		nodes: Object.fromEntries(nodes),
		mount: { ...config.mount, path: from(config.mount.path), logFile: from(config.mount.logFile) },
	}
}

function resolveCatalogue(catalogue: string, from: (path: string) => string): string {
	if (/^[a-z]+:\/\//i.test(catalogue)) return catalogue
	const path = catalogue.startsWith(SQLITE) ? catalogue.slice(SQLITE.length) : catalogue
	return `${SQLITE}${from(path)}`
}
