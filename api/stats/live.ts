/**
 * Telling pages that are open what changed. A page says which sections it shows, as a short mark of each; it is sent those that
 * are others by now. The marks of all are the event's id, so whoever lost the connection goes on with what he has, at any door.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Html } from '../web/html.ts'
import type { Sections } from '../web/overview.ts'
import type { Stream } from './stream.ts'

const LOOK_MS = 1_000
const MARKS_CHARACTERS_MAX = 1_000

export type Marks = Map<string, string>

/** Ages grow by themselves: they are no change. */
const AGE = /(<time [^>]*>)[^<]*/g

export function marksOf(sections: Sections): Marks {
	return new Map([...sections].map(([id, { text }]) => [id, createHash('sha256').update(text.replace(AGE, '$1')).digest('base64url').slice(0, 8)]))
}

export function toText(marks: Marks): string {
	return [...marks].map(([id, mark]) => `${id}.${mark}`).join('~')
}

export function fromText(text: string): Marks {
	const pairs = text.length > MARKS_CHARACTERS_MAX ? [] : text.split('~').map((pair) => pair.split('.', 2))
	return new Map(pairs.filter((pair): pair is [string, string] => pair.length === 2))
}

/** Until the stream ends. One look serves all who listen, because `look` remembers its answer for a moment. */
export async function tellChanges(stream: Stream, shown: Marks, look: () => Promise<Sections>): Promise<void> {
	let known = shown
	while (!stream.signal.aborted) {
		// Nothing to tell where there never were figures: the page shows that already.
		const sections = await look().catch(() => undefined)
		if (sections) known = tell(stream, known, sections)
		await sleep(LOOK_MS, undefined, { signal: stream.signal }).catch(() => undefined)
	}
}

function tell(stream: Stream, known: Marks, sections: Sections): Marks {
	const marks = marksOf(sections)
	const changed: Array<[string, Html]> = [...sections].filter(([id]) => marks.get(id) !== known.get(id))
	if (changed.length > 0) stream.send('sections', Object.fromEntries(changed.map(([id, { text }]) => [id, text])), toText(marks))
	return marks
}
