/** `cairn site add|list|set|pause|resume|remove|rotate-key|log`: who keeps copies elsewhere. */
import { siteAdd } from './site-add.ts'
import { siteList } from './site-list.ts'
import { siteLog } from './site-log.ts'
import { sitePause, siteResume } from './site-pause.ts'
import { siteRemove } from './site-remove.ts'
import { siteRotateKey } from './site-rotate-key.ts'
import { siteSet } from './site-set.ts'
import type { Verb } from './verb.ts'

export const site: Verb = (deps) => ({
	command: 'site',
	describe: 'who keeps copies elsewhere: add, list, set, pause, resume, rotate-key, log, remove',
	builder: (yargs) =>
		yargs
			.command(siteAdd(deps))
			.command(siteList(deps))
			.command(siteSet(deps))
			.command(sitePause(deps))
			.command(siteResume(deps))
			.command(siteRotateKey(deps))
			.command(siteLog(deps))
			.command(siteRemove(deps))
			.demandCommand(1, 'site: add, list, set, pause, resume, rotate-key, log or remove?'),
	handler: () => undefined,
})
