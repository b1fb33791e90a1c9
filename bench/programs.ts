/** The measured programs: C, compiled at the start of a run, so that nothing but system calls is in what they time. */
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { run } from './processes.ts'

const SOURCES = join(import.meta.dirname, 'work')

/** Compiles them all into the directory and says where each is. */
export async function compilePrograms(directory: string): Promise<(program: string) => string> {
	const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'))
	for (const source of sources)
		await run(['gcc', '-O2', '-Wall', '-o', join(directory, basename(source, '.c')), join(SOURCES, source)])
	return (program) => join(directory, program)
}
