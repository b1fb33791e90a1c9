// Draws the growth and the activity from the numbers the page brings: day, files, bytes, made, changed, removed.
const DAY_SECONDS = 86400
const HEIGHT = 190
const NARROW = 420
const drawn = []
const begun = new WeakSet()

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
const whole = new Intl.NumberFormat('en-GB')

function sizeText(bytes) {
	let value = bytes
	let unit = 0
	while (value >= 999.5 && unit < 6) {
		value /= 1024
		unit++
	}
	return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'][unit]}`
}

// What was done is added up by as many days as the range makes readable.
const BUCKET_DAYS = { 31: 1, 366: 7, 0: 30 }
const BUCKET_WORDS = { 1: 'day', 7: 'week', 30: '30 days' }

function addedUp(data, days) {
	if (days === 1) return data
	const ends = []
	for (let end = data[0].length - 1; end >= days - 1; end -= days) ends.unshift(end)
	const sum = (column, end) => column.slice(end - days + 1, end + 1).reduce((total, value) => total + value, 0)
	return data.map((column, index) => ends.map((end) => (index === 0 ? column[end - days + 1] : sum(column, end))))
}

const KINDS = {
	stored: {
		columns: [2],
		show: (value) => (value == null ? '' : sizeText(value)),
		series: [{ label: 'Stored', colour: '--series-1', fill: true }],
	},
	activity: {
		isAddedUp: true,
		columns: [3, 4, 5],
		show: (value) => (value == null ? '' : whole.format(value)),
		series: [
			{ label: 'Made', colour: '--series-1' },
			{ label: 'Changed', colour: '--series-2', dash: [6, 3] },
			{ label: 'Removed', colour: '--series-3', dash: [2, 3] },
		],
	},
}

function numbers(charts) {
	const rows = charts.dataset.days.split(';').map((row) => row.split(',').map(Number))
	return [0, 1, 2, 3, 4, 5].map((column) => rows.map((row) => (column === 0 ? row[0] * DAY_SECONDS : row[column])))
}

function draw(charts) {
	for (const chart of drawn.splice(0)) chart.destroy()
	const all = numbers(charts)
	const days = Number(charts.querySelector('[aria-pressed=true]').dataset.range)
	const from = days === 0 ? 0 : Math.max(0, all[0].length - days)
	const data = all.map((column) => column.slice(from))
	const bucket = BUCKET_DAYS[days]
	for (const place of charts.querySelectorAll('.chart')) {
		const kind = KINDS[place.dataset.chart]
		drawn.push(chart(place, kind, kind.isAddedUp ? addedUp(data, bucket) : data))
	}
	charts.querySelector('[data-bucket]').textContent = BUCKET_WORDS[bucket]
}

function chart(place, { columns, series, show }, data) {
	const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false }, font: `12px ${colour('--sans')}` }
	const options = {
		width: place.clientWidth,
		height: HEIGHT,
		padding: [8, 8, 0, 0],
		cursor: { y: false, drag: { x: false, y: false } },
		scales: { x: { time: true }, y: { range: (_, least, most) => [columns.length === 1 && least > most / 2 ? least - (most - least) / 4 : 0, most === 0 ? 1 : most + (most - (columns.length === 1 ? least : 0)) / 10 || 1] } },
		tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
		axes: [{ ...axis, space: place.clientWidth < NARROW ? 80 : 60 }, { ...axis, size: 76, values: (_, ticks) => ticks.map(show) }],
		series: [
			{ value: (_, seconds) => (seconds == null ? '' : new Date(seconds * 1000).toISOString().slice(0, 10)), label: 'Day' },
			...series.map(({ label, colour: name, fill, dash }) => ({
				label,
				stroke: colour(name),
				width: 2,
				dash,
				fill: fill ? `color-mix(in srgb, ${colour(name)} 15%, transparent)` : undefined,
				points: { show: false },
				value: (_, value) => show(value),
			})),
		],
	}
	return new uPlot(options, [data[0], ...columns.map((column) => data[column])], place)
}

function choose(charts, button) {
	for (const each of charts.querySelectorAll('[data-range]')) each.setAttribute('aria-pressed', String(each === button))
	draw(charts)
}

function begin() {
	const charts = document.querySelector('.charts')
	if (!charts) return
	charts.hidden = false
	if (!begun.has(charts)) {
		begun.add(charts)
		charts.addEventListener('click', ({ target }) => target.dataset.range !== undefined && choose(charts, target))
		new ResizeObserver(() => draw(charts)).observe(charts)
	}
	draw(charts)
}

begin()
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', begin)
document.addEventListener('taken-over', ({ target }) => target.id === 'growth' && begin())
