/** Runs in a child process: one sequence of calls on two trees, compared call by call and tree by tree. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { randomFrom } from '../support/random.ts'
import { treeOf } from '../support/tree.ts'
import { chooseStep, type Side, type Step } from './calls.ts'

const STEPS_BETWEEN_TREES = 500
const STEPS_SHOWN = 25

export interface Summary {
	steps: number
	succeeded: number
	entries: number
}

export function compare(roots: { tested: string; plain: string }, seed: number, steps: number): Summary {
	const random = randomFrom(seed)
	const [tested, plain] = [roots.tested, roots.plain].map(side) as [Side, Side]
	const history: string[] = []
	let succeeded = 0
	process.umask(0o022)
	for (let number = 1; number <= steps; number++) {
		const step = chooseStep(random)
		const expected = answerOf(step, plain)
		const actual = answerOf(step, tested)
		history.push(`${number}: ${step.words} = ${shown(expected)}`)
		if ('value' in expected) succeeded++
		assert.deepEqual(actual, expected, story(seed, history))
		if (number % STEPS_BETWEEN_TREES === 0) compareTrees(tested, plain, story(seed, history))
	}
	for (const { open } of [tested, plain]) for (const fd of open.values()) fs.closeSync(fd)
	const entries = compareTrees(tested, plain, story(seed, history))
	return { steps, succeeded, entries }
}

/** Deep enough that a symlink to ../../x, made at the top, leads to a place that is alike on both sides. */
function side(root: string): Side {
	fs.chmodSync(root, 0o755)
	const deep = join(root, '1/2/3')
	fs.mkdirSync(deep, { recursive: true })
	fs.chmodSync(deep, 0o777)
	return { root: deep, open: new Map() }
}

type StepAnswer = { value: unknown } | { code: string | undefined }

function answerOf(step: Step, on: Side): StepAnswer {
	try {
		return { value: step.apply(on) }
	} catch (error) {
		return { code: (error as NodeJS.ErrnoException).code }
	}
}

function compareTrees(tested: Side, plain: Side, story: string): number {
	const expected = treeOf(plain.root)
	assert.deepEqual(treeOf(tested.root), expected, story)
	return Object.keys(expected).length
}

function story(seed: number, history: string[]): string {
	return `the mount and a plain directory disagree; replay with CAIRN_TEST_SEED=${seed}\n${history.slice(-STEPS_SHOWN).join('\n')}`
}

function shown(answer: StepAnswer): string {
	return 'code' in answer ? String(answer.code) : (JSON.stringify(answer.value, replacer) ?? 'done').slice(0, 80)
}

function replacer(_: string, value: unknown): unknown {
	return typeof value === 'bigint' ? Number(value) : value
}
