// Keeps the page true: takes over the sections the server sends again, and lets times grow older.
const STEPS = [[31536000, 'y'], [2592000, 'mo'], [86400, 'd'], [3600, 'h'], [60, 'min']]
const TIMES_MS = 10000

function span(seconds) {
	for (const [length, unit] of STEPS) if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`
	return `${Math.max(0, Math.floor(seconds))} s`
}

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })

function tellTimes(root) {
	for (const time of root.querySelectorAll('time[data-kind]')) {
		const at = new Date(time.dateTime)
		const seconds = (Date.now() - at.getTime()) / 1000
		time.title = local.format(at)
		if (time.dataset.kind === 'ago') setText(time, seconds < 5 ? 'just now' : `${span(seconds)} ago`)
		if (time.dataset.kind === 'since') setText(time, span(seconds))
	}
}

// A text that stays the same is not written again: whoever listens would be told of it.
function setText(element, text) {
	if (element.textContent !== text) element.textContent = text
}

// Makes one tree equal to another and touches only what differs, so that focus, selection, open details and charts stay.
function morph(from, to) {
	if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) return from.replaceWith(to)
	if (from.nodeType === Node.TEXT_NODE) {
		if (from.data !== to.data) from.data = to.data
		return
	}
	if (from.nodeType !== Node.ELEMENT_NODE) return
	if (from.classList.contains('chart')) return
	morphAttributes(from, to)
	const wanted = [...to.childNodes]
	for (const [index, child] of wanted.entries()) {
		const present = from.childNodes[index]
		if (present) morph(present, child)
		else from.append(child)
	}
	while (from.childNodes.length > wanted.length) from.lastChild.remove()
}

const OURS = { DETAILS: ['open'], BUTTON: ['aria-pressed'], TIME: ['title'], DIV: ['hidden'] }

function morphAttributes(from, to) {
	const kept = OURS[from.tagName] ?? []
	for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && !kept.includes(name)) from.removeAttribute(name)
	for (const { name, value } of to.attributes) if (!kept.includes(name) && from.getAttribute(name) !== value) from.setAttribute(name, value)
}

function takeOver(sections) {
	for (const [id, text] of Object.entries(sections)) {
		const present = document.getElementById(id)
		const sent = new DOMParser().parseFromString(text, 'text/html').body.firstElementChild
		if (!present || !sent) continue
		tellTimes(sent)
		morph(present, document.adoptNode(sent))
		present.dispatchEvent(new CustomEvent('taken-over', { bubbles: true }))
	}
	const { title } = document.getElementById('verdict')?.dataset ?? {}
	if (title) document.title = title
}

function listen({ liveFrom, liveSince }) {
	const state = document.getElementById('live')
	let since = liveSince
	let source
	const tell = (on, text) => {
		state.dataset.state = on ? 'on' : 'off'
		setText(state, text)
	}
	const open = () => {
		source = new EventSource(`${liveFrom}?since=${encodeURIComponent(since)}`)
		source.addEventListener('open', () => tell(true, 'Changes show by themselves.'))
		source.addEventListener('sections', ({ data, lastEventId }) => {
			since = lastEventId
			takeOver(JSON.parse(data))
		})
		source.addEventListener('error', ({ target }) => {
			tell(false, target.readyState === EventSource.CLOSED ? 'Changes do not show any more: reload the page.' : 'The server is away; trying again.')
		})
	}
	const follow = () => {
		source?.close()
		if (document.visibilityState === 'visible') open()
	}
	// All windows of a browser have six connections to a server between them: one that nobody sees keeps none.
	document.addEventListener('visibilitychange', follow)
	follow()
	window.addEventListener('pagehide', () => source?.close())
	window.addEventListener('pageshow', ({ persisted }) => persisted && location.reload())
}

tellTimes(document)
setInterval(() => tellTimes(document), TIMES_MS)
if (document.body.dataset.liveFrom) listen(document.body.dataset)
