/** The doctor names what is wrong and says what to do. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkKernel, checkNode, checkOpenFiles } from '../../cli/doctor/machine.ts'
import { checkMount } from '../../cli/doctor/mount.ts'
import { doctor } from '../../cli/doctor.ts'
import { drain } from '../../cli/drain.ts'
import { metrics } from '../../cli/metrics.ts'
import { EXIT } from '../../cli/exit-codes.ts'
import type { Finding } from '../../cli/doctor/finding.ts'
import { engines } from '../catalogue/engines.ts'
import { writeFile } from '../stats/meddle.ts'
import { place } from '../stats/place.ts'
import { typed } from './typed.ts'

for (const engine of engines) {
	test(`${engine.name}: the doctor`, async (t) => {
		const { fs, driver, config: configuration, node } = await place(t, engine)
		const config = join(node(1), '..', 'config.ts')
		writeFileSync(config, `export default ${JSON.stringify({ catalogue: configuration.catalogue, classes: configuration.classes })}`)
		chmodSync(config, 0o600)
		const cairn = typed(config, doctor, drain, metrics)
		async function findings(code: number): Promise<Finding[]> {
			const said = await cairn('doctor', '--json')
			assert.equal(said.code, code, said.stdout)
			return JSON.parse(said.stdout)
		}
		const of = (list: Finding[], what: string) => list.filter((each) => each.what === what).map(({ level }) => level)

		const well = await findings(EXIT.ok)
		assert.deepEqual(of(well, 'catalogue'), ['well'])
		assert.deepEqual(of(well, 'node node1'), ['well', 'doubtful'], 'it is the one, and nobody looks after it')
		assert.deepEqual(of(well, 'classes'), ['well'])
		assert.match(well.find(({ what }) => what === 'disks')?.says ?? '', /^node1, node2, node3 are on one disk/)
		await driver.change("UPDATE node SET zone = 'shed'")
		assert.deepEqual(of(await findings(EXIT.ok), 'disks'), [], 'the zone says so')
		assert.match((await cairn('doctor')).stdout, /^look {2}node node1: no replicator looks after it.*\n {6}cairn replicator --node node1$/m)

		await writeFile(fs, { parent: 1, name: Buffer.from('file') }, Buffer.alloc(10))
		const [{ name }] = await driver.all<{ name: string }>('SELECT name FROM node JOIN replica ON node_id = id WHERE replica.state = 1')
		assert.equal((await cairn('drain', name)).code, EXIT.ok)
		assert.match((await cairn('drain', name, '--abort')).stdout, /given up/)
		assert.deepEqual(of(await findings(EXIT.ok), `drain of ${name}`), [], 'what was given up did not fail')
		assert.match((await cairn('metrics')).stdout, new RegExp(`^cairn_job_failed\\{job="drain",node="${name}"\\} 0$`, 'm'))

		writeFileSync(config, `export default ${JSON.stringify({ catalogue: configuration.catalogue, classes: configuration.classes, nodes: { nod1: { io: 'auto' }, node1: { io: 'auto' } }, api: { doors: { nod2: 'http://two' } } })}`)
		assert.deepEqual((await findings(EXIT.ok)).filter(({ what, level }) => what === 'configuration' && level === 'doubtful').map(({ says }) => says), [
			'nodes.nod1: there is no node of that name', 'api.doors.nod2: there is no node of that name',
		])

		await driver.change("UPDATE class SET offsite = 1 WHERE name = 'pictures'")
		assert.equal((await findings(EXIT.ok)).find(({ what }) => what === 'class pictures')?.says, 'asks for 1 copy off-site, and fewer sites take it')
		await driver.change('UPDATE class SET offsite = 0')

		await driver.change("UPDATE node SET state = 'nc'")
		assert.deepEqual(of(await findings(EXIT.unwell), 'nodes'), ['wrong'])
		await driver.change("UPDATE node SET state = 'rw'")

		renameSync(node(2), `${node(2)}-elsewhere`)
		await driver.change("UPDATE node SET state = 'drain' WHERE id = 3")
		await driver.change("INSERT INTO client (id, host, pid, started, what, joined, heartbeat) VALUES (999, 'far', 1, '', 'mount /far', 0, 0)")
		const ill = await findings(EXIT.unwell)
		assert.deepEqual(of(ill, 'node node2'), ['wrong', 'doubtful'])
		assert.deepEqual(of(ill, 'class pictures'), ['wrong'])
		assert.deepEqual(of(ill, 'clients'), ['doubtful'])
		renameSync(`${node(2)}-elsewhere`, node(2))
		rmSync(join(node(1), '.cairn'), { recursive: true })
		assert.match((await cairn('doctor')).stdout, /^WRONG node node1: .* has no identity file: is it mounted\?$/m)

		writeFileSync(config, 'export default { catalog: 1 }')
		const last = (await findings(EXIT.unwell)).at(-1)
		assert.deepEqual([last?.what, last?.level], ['configuration', 'wrong'])
		writeFileSync(config, `export default { catalogue: '${join(node(1), 'none.db')}' }`)
		assert.match((await cairn('doctor')).stdout, /^WRONG catalogue: .*no such file/m)
	})
}

test('a mount point with a blank in its name, and below a symlink', (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-doctor-'))
	const [real, link] = ['real', 'link'].map((name) => join(directory, name))
	mkdirSync(join(real, 'all files'), { recursive: true })
	symlinkSync(real, link)
	execFileSync('mount', ['-t', 'tmpfs', 'none', join(real, 'all files')])
	t.after(() => {
		execFileSync('umount', ['--lazy', join(real, 'all files')])
		rmSync(directory, { recursive: true })
	})
	for (const path of [join(real, 'all files'), join(link, 'all files')]) {
		const { level, says } = checkMount({ mount: { path, allowOther: false } }, 0).find(({ what }) => what === 'mount point') ?? {}
		assert.deepEqual([level, says], ['well', `${path} is mounted`])
	}
})

test('what the machine lacks', () => {
	assert.equal(checkNode('22.1.0').level, 'wrong')
	assert.deepEqual(['4.19.0', '6.1.0-13-amd64', '6.9.1', '7.0'].map((version) => checkKernel(version)[0].level), ['wrong', 'doubtful', 'well', 'well'])
	assert.equal(checkOpenFiles('Max open files            1024                 1048576              files     ').level, 'well')
	assert.equal(checkOpenFiles('Max open files            1024                 4096                 files     ').level, 'doubtful')
})
