/** `cairn doctor`: looks at everything that can be wrong and says what to do. It changes nothing. */
import { checkCatalogue } from './doctor/catalogue.ts'
import { type Finding, found, type Level } from './doctor/finding.ts'
import { checkMachine } from './doctor/machine.ts'
import { checkMount } from './doctor/mount.ts'
import { loadFor } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { many } from './many.ts'
import { checkSchedule } from './schedule.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'
import type { Config } from '../core/config/types.ts'

interface Options extends Common {
	json: boolean
}

export const doctor: Verb<Options> = (deps) => ({
	command: 'doctor',
	describe: 'configuration, catalogue, nodes, clock, kernel, limits: what is wrong, and what to do',
	builder: (yargs) => yargs.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const findings = await examine(options, deps)
	if (options.json) deps.print(JSON.stringify(findings, null, 2))
	else for (const line of toLines(findings)) deps.print(line)
	if (findings.some(({ level }) => level === 'wrong')) process.exitCode = EXIT.unwell
}

async function examine(options: Options, deps: Deps): Promise<Finding[]> {
	const machine = checkMachine()
	let config: Config
	try {
		config = await loadFor(options, deps)
		checkSchedule(config)
	} catch (error) {
		return [...machine, found('configuration', 'wrong', (error as Error).message, 'mend the configuration file; the rest was not looked at')]
	}
	return [
		...machine,
		found('configuration', 'well', `read; it names ${many(config.classes.length, 'class', 'classes')}`),
		...checkMount(config, deps.uid),
		...(await checkCatalogue(config)),
	]
}

const MARKS: Record<Level, string> = { well: 'ok   ', doubtful: 'look ', wrong: 'WRONG' }

function toLines(findings: readonly Finding[]): string[] {
	const many = (level: Level) => findings.filter((each) => each.level === level).length
	return [
		...findings.flatMap(({ what, level, says, todo }) => [`${MARKS[level]} ${what}: ${says}`, ...(todo ? [`      ${todo}`] : [])]),
		'',
		many('wrong') + many('doubtful') === 0 ? 'nothing is wrong' : `${many('wrong')} wrong, ${many('doubtful')} to look at`,
	]
}
