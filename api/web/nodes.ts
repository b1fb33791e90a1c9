/** The nodes: whether each is there, how full it is, how quick, and what was done on it last. */
import { ago, count, counted, percent, roughly, since, size } from './amounts.ts'
import { html, type Html, joined, NOTHING } from './html.ts'
import { badge, bar, empty, facts, section } from './parts.ts'
import type { NodeShown, Overview, Standing } from './shown.ts'
import { awaySince, isAway } from './verdict.ts'

export function nodes({ nodes, at }: Overview): Html {
	const away = nodes.filter(isAway).length
	const says = nodes.length === 0 ? NOTHING : html`${counted(nodes.length - away, 'node')} in service${away > 0 ? html`, ${count(away)} away` : NOTHING}`
	const body = nodes.length === 0 ? empty(html`There are no nodes yet: <code>cairn node add</code> makes one.`) : html`<div class="cards">${nodes.map((node) => card(node, at))}</div>`
	return section({ id: 'nodes', title: 'Nodes', says, body })
}

/** What the keeper said of it, in words. */
const STATES: Record<string, string> = {
	rw: 'takes new files',
	nc: 'takes no new files',
	ro: 'read only',
	drain: 'is being emptied',
	down: 'out of service',
	dead: 'given up',
}

function standing(node: NodeShown): Standing {
	if (isAway(node) || node.state === 'dead') return 'bad'
	return node.state === 'rw' && node.lookedAfter ? 'good' : 'busy'
}

function card(node: NodeShown, at: number): Html {
	const { name, zone } = node
	return html`<article class="card ${standing(node)}" aria-label="Node ${name}">
<header><h3><bdi>${name}</bdi></h3>${zone === '' ? NOTHING : html`<span class="quiet">zone <bdi>${zone}</bdi></span>`}${badge(standing(node), word(node, at))}</header>
${isAway(node) && node.reason !== '' ? html`<p class="reason">${node.reason}</p>` : NOTHING}
${space(node)}
${facts([
	['Holds', html`${counted(node.files, 'copy', 'copies')}, ${size(node.bytes)}`],
	['Owed here', owedHere(node)],
	['Answers in', latency(node)],
	['State', html`${STATES[node.state] ?? node.state}, for ${since(node.stateSince, at)}`],
	['Last done', lastDone(node, at)],
])}
</article>`
}

function word(node: NodeShown, at: number): Html {
	if (node.state === 'dead') return html`given up`
	if (isAway(node)) return html`away for ${since(awaySince(node), at)}`
	if (!node.lookedAfter) return html`no replicator`
	return node.state === 'rw' ? html`up for ${since(node.upSince, at)}` : html`${STATES[node.state] ?? node.state}`
}

function space({ capacity, free, reserve }: NodeShown): Html {
	if (capacity === 0) return html`<p class="quiet">How large it is has not been seen yet.</p>`
	const used = capacity - free
	const kept = Math.min(reserve, free)
	return html`${bar(capacity, [{ name: used + kept > 0.95 * capacity ? 'used full' : 'used', amount: used }, { name: 'free', amount: free - kept }, { name: 'reserve', amount: kept }])}
<p class="scale">${size(used)} of ${size(capacity)} used (${percent(used, capacity)}); <strong>${size(free - kept)} free</strong>${kept > 0 ? html`, and ${size(kept)} kept in reserve` : NOTHING}</p>`
}

function owedHere({ wanted, intents }: NodeShown): Html {
	const parts = [wanted > 0 && counted(wanted, 'copy', 'copies'), intents > 0 && counted(intents, 'change')].filter((part) => part !== false)
	return parts.length === 0 ? html`nothing` : joined(parts, ', ')
}

/** From this machine; the breaker opens when it does not answer, and closes when a probe finds it well. */
function latency({ readMs, writeMs, failures, stuck, up }: NodeShown): Html {
	if (!up) return html`it does not, and is asked again now and then${stuck > 0 ? html`, ${counted(stuck, 'call has', 'calls have')} not come back` : NOTHING}`
	const times = [readMs !== undefined && html`${roughly(readMs)} to read`, writeMs !== undefined && html`${roughly(writeMs)} to write`].filter((time) => time !== false)
	return html`${times.length === 0 ? html`no time to speak of` : joined(times, ', ')}${failures > 0 ? html`; ${counted(failures, 'call')} failed` : NOTHING}`
}

function lastDone({ lastRun, lookedAfter }: NodeShown, at: number): Html {
	const run = lastRun ? html`${lastRun.job} ${lastRun.state === 'done' ? NOTHING : html`<em>${lastRun.state}</em> `}${ago(lastRun.started, at)}` : html`nothing yet`
	return html`${run}${lookedAfter ? NOTHING : html`; <strong>no replicator looks after it</strong>`}`
}
