/** Who has the tree open, and the volumes of containers. */
import { ago, size, since } from './amounts.ts'
import { html, type Html, joined, NOTHING, type Shown } from './html.ts'
import { badge, empty, section, table } from './parts.ts'
import type { ClientShown, Overview, VolumeShown } from './shown.ts'

const SILENT_SECONDS = 30

export function clients({ clients, volumes, at }: Overview): Html {
	const columns = [{ title: 'What' }, { title: 'Machine' }, { title: 'Process', isNumber: true }, { title: 'For' }, { title: 'Heard of' }]
	const body = clients.length === 0 ? empty('Nobody has the tree open.') : table('Clients', columns, clients.map((client) => row(client, at)))
	return section({ id: 'clients', title: 'Who has it open', body: [body, volumeTable(volumes)] })
}

function row({ what, host, pid, joined: when, silentSeconds }: ClientShown, at: number): Shown[] {
	const heard = silentSeconds > SILENT_SECONDS ? badge('bad', html`silent, ${ago(at - silentSeconds, at)}`) : 'now'
	return [html`<bdi>${what}</bdi>`, html`<bdi>${host}</bdi>`, pid, since(when, at), heard]
}

function volumeTable(volumes: readonly VolumeShown[]): Html {
	if (volumes.length === 0) return NOTHING
	const columns = [{ title: 'Volume' }, { title: 'Class' }, { title: 'Size', isNumber: true }, { title: 'Mounted on' }]
	const rows = volumes.map(({ name, class: rule, bytes, mountedOn }) => [
		html`<bdi>${name}</bdi>`,
		html`<bdi>${rule}</bdi>`,
		bytes === undefined ? 'not counted' : size(bytes),
		mountedOn.length === 0 ? 'nowhere' : joined(mountedOn.map((host) => html`<bdi>${host}</bdi>`), ', '),
	])
	return html`<h3>Volumes</h3>${table('Volumes', columns, rows)}`
}
