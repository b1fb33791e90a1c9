/**
 * A node's directories in the order of a walk, looked at before anybody asks: the first tenth of a second of a verb goes into reading the
 * program, and this thread has nothing else to do meanwhile. `scouted.ts` is the other side.
 */
import { openAndSee } from './directories.ts'
import type { Directories, Scouted, Survey } from './packets.ts'
import { surveyOne } from './survey.ts'

/** In all; the rest is asked for. Some 60 bytes each wait for whoever is slower. */
const FILES_MAX = 100_000
const TELL_EVERY_MS = 5
const OWN = '.cairn'

/** `tell` is given what was found since the last time and says whether to go on. */
export function scout(root: number, { namesMax }: Pick<Directories, 'namesMax'>, tell: (scouted: Scouted) => boolean): void {
	const left = ['']
	let found: Scouted = []
	let files = 0
	let toldMs = performance.now()
	for (let path = left.pop(); path !== undefined; path = left.pop()) {
		const survey = openAndSee(root, Buffer.from(path, 'latin1'), (fd) => surveyOne(fd, namesMax))
		found.push([path, survey && { ...survey, isEarly: true }])
		files += survey?.files ?? 0
		if (survey) left.push(...below(path, survey).reverse())
		if (performance.now() < toldMs + TELL_EVERY_MS) continue
		if (!tell(found) || files > FILES_MAX) return
		found = []
		toldMs = performance.now()
	}
	tell(found)
}

function below(path: string, { directories }: Survey): string[] {
	if (path !== '') return directories.map((name) => `${path}/${name}`).sort()
	return directories.filter((name) => name !== OWN).sort()
}
