/** Answers that others carry: a web server in front that reaches the node's directory, or the door on the machine of the node. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Content } from '../../core/filesystem/read-content.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Path } from '../../core/ids.ts'
import type { Api } from '../api.ts'
import { encode, parameter } from './paths.ts'
import { signedTarget } from '../../core/access/signed-url.ts'
import { rangesHold } from './validators.ts'

/** Where the web server has the nodes: `location /.cairn/NODE/ { internal; alias /srv/NODE/; }`. */
const INTERNAL = '/.cairn/'
const SMALL_BYTES = 64 * 1024

/** Apache reads a path as it is written, without what is blank at its end, or decodes it, depending on its version: there may be another file. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those that a header cannot have
const UNCLEAR_IN_HEADER = /[\x00-\x1f\x7f%]| $/

/**
 * Of an answer nginx keeps the type, and not what keeps a browser from taking it for a page of this door (ngx_http_upstream_headers_in): what one might
 * take for that, or look into to find out, the door carries. No kind of `image` and the like is ever a page but those of XML.
 */
const NO_PAGE = /^(?:(?:image|audio|video|font|application)\/(?!.*(?:xml|html|unknown))[\w.+-]+|text\/(?:plain|csv|css))(?:;|$)/i

const SIGNED_SECONDS = 3_600

/** The address of a file, good for a while without the token a request came with: programs do not take that along to another host. */
export type Signer = (request: FastifyRequest, path: Path) => string

/** `hrefOf`: where a file is found by its path. */
export function signer(key: Buffer, hrefOf: (path: Path) => string): Signer {
	return ({ originalUrl }, path) => {
		const target = parameter(originalUrl, 'dl') === undefined ? hrefOf(path) : `${hrefOf(path)}?dl`
		return signedTarget(key, { method: 'GET', target, expires: Math.floor(Date.now() / 1000) + SIGNED_SECONDS })
	}
}

/** Without `signed` it is not sent to another door. */
export function handOverBy(request: FastifyRequest, reply: FastifyReply, { config: { api } }: Api, signed?: Signer): (content: Content, headers: Record<string, string>) => boolean {
	return (content, headers) => {
		const { node, path, writers } = content.file
		// What is small is sent before it is said who should; what is being written is only here what it is.
		if (content.size <= SMALL_BYTES || writers > 0 || content.located.row.written) return false
		const door = api.doors[node.name]
		if (door !== undefined && signed) {
			reply.code(307).header('location', door + signed(request, content.located.path)).header('cache-control', 'no-store')
			return true
		}
		if (node.remote || api.carriedBy === 'cairn') return false
		if (api.carriedBy === 'x-accel-redirect') {
			if (!NO_PAGE.test(headers['content-type']) || isAboutTag(request, content)) return false
			reply.header('x-accel-redirect', `${INTERNAL}${encode(Buffer.from(node.name))}/${encode(path)}`)
			return true
		}
		const file = joinPath(Buffer.from(node.root), path).toString('latin1')
		if (UNCLEAR_IN_HEADER.test(file)) return false
		reply.header('x-sendfile', file)
		return true
	}
}

/** It was found to hold by the tag of the door: nginx would ask it once more, of a tag of its own. */
function isAboutTag({ headers }: FastifyRequest, { located }: Content): boolean {
	return headers['if-match'] !== undefined || (headers['if-range'] !== undefined && rangesHold(headers, located.row))
}
