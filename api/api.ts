/** What a part of the door is, and what it is given. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Role } from '../core/access/role.ts'
import type { Scope } from '../core/access/scope.ts'
import type { BuildAgent } from '../core/off-site/agent-file.ts'
import type { Config, PartName } from '../core/config/types.ts'
import type { Announcer } from '../core/filesystem/announce.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import type { KnownTokens } from './access/known.ts'
import type { Limits } from './access/limits.ts'
import type { Failure } from './errors.ts'
import type { HotAnswers } from './hot/answers.ts'

export interface Api {
	readonly fs: Filesystem
	readonly tokens: KnownTokens
	/** At all addresses together. */
	readonly limits: Limits
	/** Missing where the catalogue cannot say for free whether they hold still. */
	readonly answers: HotAnswers | undefined
	readonly config: Config
	/** Something a keeper should know: one line. */
	readonly report: (line: string) => void
	/** Aborted when requests under way have had their time and the door ends. */
	readonly stopping: AbortSignal
	/** The agent for off-site copies, to be downloaded; missing where nobody handed it in. */
	readonly buildAgent?: BuildAgent
	/** Whatever changes the tree runs in this, so that mounts beside this door know of it: handlers of routes for those who may write do. */
	readonly changing: Announcer['changing']
}

export interface Part {
	readonly name: PartName
	/** What went wrong as its clients expect it; where an address serves nothing else, also that something is not there. */
	answerError?(error: unknown, request: FastifyRequest, reply: FastifyReply, api: Api): FastifyReply
	/** How that looks, for the description of the door; as errors in general where nothing is said. */
	readonly refusal?: object
	/** Called once for each address that serves it, in a scope of its own. */
	routes(app: FastifyInstance, api: Api): void | Promise<void>
	/**
	 * Who sends this, by means that only this part has (a signature, a cookie). Undefined: it cannot tell; an HttpError: it
	 * can, and that is nobody. Asked for routes of this part only.
	 */
	credentials?(request: FastifyRequest, api: Api): Promise<Grant | undefined>
	/** What it answers also without the router, where requests are plain; its routes take the same. */
	plain?(api: Api): readonly PlainRoute[]
}

/** It came whole, with nothing unusual about it: no condition, no digest, no coding. */
export interface PlainRequest {
	readonly method: string
	readonly url: string
	readonly headers: IncomingHttpHeaders
	readonly body: Buffer
	readonly grant: Grant
}

export interface PlainAnswer {
	readonly status: number
	readonly headers: Readonly<Record<string, string>>
	/** Sent as JSON. */
	readonly body: object
}

export interface PlainRoute {
	readonly access: Role
	takes(request: Pick<PlainRequest, 'method' | 'url' | 'headers'>): boolean
	handle(request: PlainRequest): Promise<PlainAnswer>
	/** What it says instead of what was thrown. */
	refuse(failure: Failure): PlainAnswer
}

/** Who somebody turned out to be. */
export interface Grant {
	/** For the log. */
	readonly name: string
	readonly role: Role | 'site'
	readonly scope: Scope
	/** Nobody said who he is. */
	readonly anonymous: boolean
	/** The address itself says what may be reached. */
	readonly isSigned?: boolean
}

/** `site` is for those the part itself knows; `open` is for everybody. */
export type Access = Role | 'site' | 'open'

declare module 'fastify' {
	interface FastifyContextConfig {
		access?: Access
		/** The handler asks `mayReach` for each path it touches; other routes are for those who may reach the whole tree. */
		byPath?: boolean
		/** Where nothing is wrong, for the description of the door; 200 where nothing is said. */
		answers?: readonly number[]
		/** Set by the server. */
		part?: Part
	}
	interface FastifyRequest {
		grant: Grant
	}
}
