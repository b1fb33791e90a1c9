/**
 * By which names an address that lets anybody in may be asked. A page of a browser reaches an address of this machine, or of the network it is in, under a
 * name of whoever made the page, who has it lead there (DNS rebinding); for the browser both are one site then. Nobody else has a name without a
 * dot, and none can be made of an address.
 */
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { ListenConfig } from '../../core/config/types.ts'

const UNIX = 'unix:'

/** Asked with `Host`; who says none is no browser. */
export type IsOwnHost = (host: string | undefined) => boolean

export function createIsOwnHost({ at, hosts = [] }: ListenConfig): IsOwnHost {
	// Whatever passes requests on to a socket has said who may come.
	if (at.startsWith(UNIX)) return () => true
	const own = new Set([nameOf(at), hostname().toLowerCase(), ...hosts.map((host) => host.toLowerCase())])
	const isOwn = (name: string) => !name.includes('.') || isIP(name) !== 0 || name.startsWith('[') || name.endsWith('.localhost') || own.has(name)
	// Who asks often asks by the same name.
	let last = { host: '', answer: false }
	return (host) => {
		if (host === undefined) return true
		if (last.host !== host) last = { host, answer: isOwn(nameOf(host)) }
		return last.answer
	}
}

/** Without the port. */
function nameOf(host: string): string {
	return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname.replace(/\.$/, '') : host
}
