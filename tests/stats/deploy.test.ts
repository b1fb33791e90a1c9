/** What the dashboard and the alerts of deploy/ ask for exists, under that name and with those labels. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { countRequests } from '../../api/metrics/requests.ts'
import { countOpen, countRead, meter } from '../../client/meter.ts'
import { collect } from '../../core/live/collect.ts'
import type { Family } from '../../core/metrics/family.ts'
import { measured } from '../../core/metrics/measured-driver.ts'
import { familiesOf } from '../../core/metrics/process-families.ts'
import { sqlite } from '../catalogue/engines.ts'
import { writeFile } from './meddle.ts'
import { place } from './place.ts'

const DEPLOY = new URL('../../deploy/', import.meta.url)
const NAME = /\b((?:cairn|process)_[a-z_]+)(\{[^}]*\})?/g
const SUFFIXES = /_(bucket|count|sum)$/

interface Panel {
	title: string
	targets?: Array<{ expr: string; legendFormat: string }>
}

interface Asked {
	expression: string
	/** Labels of the legend. */
	legend: string
}

function dashboard(): Asked[] {
	const { panels } = JSON.parse(readFileSync(new URL('grafana/cairn.json', DEPLOY), 'utf8')) as { panels: Panel[] }
	return panels.flatMap(({ targets = [] }) => targets.map(({ expr, legendFormat }) => ({ expression: expr, legend: legendFormat })))
}

function alerts(): Asked[] {
	const text = readFileSync(new URL('prometheus/alerts.yml', DEPLOY), 'utf8')
	return text.split('- alert:').slice(1).map((rule) => ({ expression: /expr: (.*)/.exec(rule)?.[1] ?? '', legend: rule.replaceAll('$labels.', '') }))
}

test('the dashboard and the alerts use what there is', async (t) => {
	const { fs, driver, config, count } = await place(t, sqlite)
	await writeFile(fs, { parent: 1, name: Buffer.from('a') }, Buffer.from('a'))
	await measured(driver).get('SELECT 1')
	await count()
	await driver.change('UPDATE replica SET verified_at = 1')
	await driver.change("INSERT INTO verify_day (node_id, day) SELECT 1, MAX(day) FROM stat_day")
	await driver.change("INSERT INTO site (name, sealed_key, created) VALUES ('attic', ?, 0)", [Buffer.alloc(1)])
	await driver.change('INSERT INTO backup (file_id, site_id, version, state, since, proved_at) SELECT id, 1, version, 4, 1, 1 FROM file WHERE kind = 8')
	await driver.change('INSERT INTO stat_touched (file_id) SELECT id FROM file')
	await count()
	countOpen(true)
	countRead(1)
	meter.note({ opcode: 3, pid: 1, node: 1 }, 0, 1)
	meter.failed('EIO')
	assert.equal(typeof countRequests, 'function')
	const there = new Map((await collect(config.catalogue, driver, { what: 'test', families: familiesOf(fs) })).map((family) => [family.name, family]))
	const asked = [...dashboard(), ...alerts()]
	assert.equal(asked.length > 40, true)
	for (const { expression, legend } of asked) {
		const names = [...expression.matchAll(NAME)]
		assert.equal(names.length > 0, true, expression)
		for (const [, name, selector = ''] of names) {
			const family = there.get(name) ?? there.get(name.replace(SUFFIXES, ''))
			assert.ok(family, `${name} of ${expression} is collected nowhere`)
			const labels = labelsOf(family)
			if (labels === undefined) continue
			// Every door that is scraped tells of the archive, added up it would count as often; whether the catalogue answers is of the door.
			if (!labels.has('pid') && name !== 'cairn_catalogue_up') assert.match(expression, new RegExp(`(max|min)( by \\([^)]*\\) |)\\(${name}`))
			const used = [...selector.matchAll(/([a-z_]+)[!=~]+"/g), ...legend.matchAll(/\{\{ ?([a-z]+) ?\}\}/g), ...(/ by \(([^)]*)\)/.exec(expression)?.[1].split(', ') ?? []).map((label) => ['', label])]
			for (const [, label] of used) assert.ok(labels.has(label), `${name} of ${expression} has no label ${label}: ${[...labels]}`)
		}
	}
})

/** Undefined of what has not been counted yet. */
function labelsOf({ type, samples }: Family): Set<string> | undefined {
	if (samples.length === 0) return undefined
	return new Set([...samples.flatMap(({ labels }) => Object.keys(labels)), ...(type === 'histogram' ? ['le'] : [])])
}
