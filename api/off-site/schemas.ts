/** What travels; docs/BACKUP-PROTOCOL.md says what it means. */
export const ITEMS_MAX = 1_000

const SAFE = Number.MAX_SAFE_INTEGER
const PATH_CHARACTERS_MAX = 24_000
const whole = { type: 'integer', minimum: 0, maximum: SAFE } as const
const hash = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const
const nullableHash = { type: 'string', nullable: true } as const
const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
const path64 = { type: 'string', minLength: 4, maxLength: PATH_CHARACTERS_MAX, pattern: '^[A-Za-z0-9+/]+={0,2}$' } as const
const short = { type: 'string', maxLength: 200 } as const
const number = { type: 'number' } as const
const nullableNumber = { type: 'number', nullable: true } as const

const list = <Item extends object>(items: Item) => ({ type: 'array', items, maxItems: ITEMS_MAX }) as const
const answers = (items: object) => ({ type: 'array', items }) as const
const object = (properties: Record<string, object>, required: string[] = []) =>
	({ type: 'object', properties, ...(required.length > 0 ? { required } : {}) }) as const

/** With a code in `error`, a line in `message`, and what else it needs. */
const refusal = { type: 'object', properties: { error: text, message: text }, additionalProperties: true } as const
const security = [{ site: [] }]

/** Of a route of agents: its answer, and those that all may give. */
export function schemaOf(schema: { summary: string; body?: object; querystring?: object; params?: object }, answer: object): object {
	return { ...schema, tags: ['backup'], security, response: { 200: answer, '4xx': refusal, '5xx': refusal } }
}

const place = { path64: text, path: text }

export const helloBody = object({ starting: flag, version: short, platform: short, freeBytes: whole }, ['starting'])
export const helloAnswer = object({
	site: text, serverAt: number, utcOffsetS: number, serverVersion: text, paused: flag, retryAfterS: number,
	settings: object({
		modes: answers(text), schedule: { type: 'string', nullable: true }, bytesPerSecond: nullableNumber, bytesPerSecondByHour: answers(nullableNumber),
		bytesPerDay: nullableNumber, bytesLeftToday: nullableNumber, filesPerBatch: number, bytesPerBatch: number, parallel: number,
		direct: { type: 'string', nullable: true },
	}),
	pending: object({ work: flag, challenges: number, notices: number, orders: number }),
})

const HELD_MAX = 16
const leaseId = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' }
export const leaseBody = object({
	mode: { type: 'string', enum: ['fill-gaps', 'recent', 'full'] },
	files: { type: 'integer', minimum: 1, maximum: ITEMS_MAX },
	bytes: { type: 'integer', minimum: 1, maximum: SAFE },
	holding: { type: 'array', maxItems: HELD_MAX, items: leaseId },
})
export const leaseAnswer = object({
	lease: { type: 'string', nullable: true }, untilAt: number, retryAfterS: number,
	files: answers(object({ id: number, version: number, ...place, size: number, hash: nullableHash, mode: number, mtimeS: number, mtimeNs: number })),
})
export const leaseParams = object({ lease: leaseId }, ['lease'])
export const renewAnswer = object({ untilAt: number })
const BUNDLED_MAX = 100
export const bundleBody = object({ files: { type: 'array', maxItems: BUNDLED_MAX, items: object({ id: whole, version: whole }, ['id', 'version']) } }, ['files'])
export const fileParams = object({ id: whole, version: whole }, ['id', 'version'])

export const reportBody = object(
	{
		files: list(
			object({ id: whole, version: whole, size: whole, hash, error: { type: 'string', enum: ['mismatch', 'no-space', 'name', 'io', 'gone'] }, text: { type: 'string', maxLength: 1_000 } }, [
				'id', 'version',
			]),
		),
	},
	['files'],
)
export const resultsAnswer = object({ results: answers(object({ id: number, result: text, version: number })) })

export const walkBody = object({ files: list(object({ path64, size: whole, hash, id: whole, version: whole }, ['path64', 'size'])) }, ['files'])

export const limitQuery = object({ limit: { type: 'integer', minimum: 1, maximum: ITEMS_MAX, default: 100 } })
export const challengesAnswer = object({
	challenges: answers(object({ challenge: number, id: number, version: number, ...place, size: number, hash: nullableHash, key: text, ranges: answers(answers(number)) })),
})
export const answersBody = object(
	{ answers: list(object({ challenge: whole, proof: hash, error: { type: 'string', enum: ['missing', 'differs', 'io'] } }, ['challenge'])) },
	['answers'],
)
export const verdictsAnswer = object({ results: answers(object({ challenge: number, result: text })) })

export const noticesQuery = object({ after: { ...whole, default: 0 }, ...limitQuery.properties })
export const noticesAnswer = object({ notices: answers(object({ seq: number, kind: text, ...place, at: number, to64: text, to: text, id: number, version: number, size: number, hash: nullableHash })), more: flag })

export const ordersAnswer = object({
	orders: answers(object({ order: number, kind: text, ...place, size: number, hash: nullableHash, offset: number })),
})
export const orderParams = object({ order: whole }, ['order'])
export const offsetQuery = object({ offset: whole }, ['offset'])
export const partAnswer = object({ offset: number, done: flag })
export const failBody = object({ error: { type: 'string', enum: ['missing', 'mismatch', 'io'] }, text: { type: 'string', maxLength: 1_000 } }, ['error'])
export const nothing = object({})
