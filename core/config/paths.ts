/** Relative paths in a configuration are relative to its file. */
import { dirname, resolve } from 'node:path'
import type { ApiConfig, Config, NodeConfig } from './types.ts'

const SQLITE = 'sqlite:'

export function resolvePaths(config: Config, file: string): Config {
	const from = (path: string) => (path === '' ? '' : resolve(dirname(file), path))
	const nodes = Object.entries(config.nodes).map(([name, node]) => [name, resolveNode(node, from)])
	return {
		...config,
		catalogue: resolveCatalogue(config.catalogue, from),
		cataloguePasswordFile: from(config.cataloguePasswordFile),
		nodes: Object.fromEntries(nodes),
		api: resolveApi(config.api, from),
		backup: { ...config.backup, keyFile: from(config.backup.keyFile) },
		mount: { ...config.mount, path: from(config.mount.path), logFile: from(config.mount.logFile) },
	}
}

function resolveNode({ path, sftp, ...node }: NodeConfig, from: (path: string) => string): NodeConfig {
	return {
		...node,
		...(path === undefined ? {} : { path: from(path) }),
		// The path of the node itself is the other machine's.
		...(sftp === undefined ? {} : { sftp: { ...sftp, keyFile: from(sftp.keyFile), knownHostsFile: from(sftp.knownHostsFile) } }),
	}
}

function resolveApi(api: ApiConfig, from: (path: string) => string): ApiConfig {
	const { tlsCertFile, tlsKeyFile, objectKeyFile, requestLog } = api
	return {
		...api,
		tlsCertFile: from(tlsCertFile),
		tlsKeyFile: from(tlsKeyFile),
		objectKeyFile: from(objectKeyFile),
		requestLog: requestLog === '-' ? '-' : from(requestLog),
	}
}

function resolveCatalogue(catalogue: string, from: (path: string) => string): string {
	if (/^[a-z]+:\/\//i.test(catalogue)) return catalogue.replace(/^[^:]*/, (scheme) => scheme.toLowerCase())
	const path = catalogue.startsWith(SQLITE) ? catalogue.slice(SQLITE.length) : catalogue
	return `${SQLITE}${from(path)}`
}
