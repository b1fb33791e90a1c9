/** Random operations by two mounts of one catalogue against a model in memory. */
import { it } from 'node:test'
import { seedOfRun } from '../support/random.ts'
import { type Plan, runModel } from './two-mounts.ts'

const steps = Number(process.env['CAIRN_TEST_STEPS'] ?? 500)

const PLANS: Record<string, Plan> = {
	'SQLite, all nodes there': { mount: { catalogue: 'sqlite' }, steps, nodesLeave: false, killed: false },
	'SQLite, nodes leave and return': { mount: { catalogue: 'sqlite' }, steps, nodesLeave: true, killed: false },
	'SQLite, the daemon is killed': { mount: { catalogue: 'sqlite', io: 'carried' }, steps, nodesLeave: false, killed: true },
	'SQLite, all of it': { mount: { catalogue: 'sqlite' }, steps, nodesLeave: true, killed: true },
	'MariaDB, all of it': { mount: { catalogue: 'mariadb' }, steps, nodesLeave: true, killed: true },
}

for (const [title, plan] of Object.entries(PLANS)) {
	it(`two mounts agree with the model: ${title}`, async (test) => {
		const seed = seedOfRun()
		test.diagnostic(`CAIRN_TEST_SEED=${seed}`)
		await runModel(plan, seed)
	})
}
