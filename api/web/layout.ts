/** What is around every page. */
import { html, type Html, NOTHING, type Shown } from './html.ts'

export interface Page {
	title: string
	body: Shown
	/** Undefined: nobody is logged in, so there is nothing to leave and nowhere to go. */
	visitor?: { name: string; canLeave: boolean }
	/** Of this page among those named at the top. */
	place?: 'overview' | 'files'
	asked?: string
	/** Where changes are told from, and what this page shows already. */
	live?: { from: string; since: string }
	/** It draws. */
	hasCharts?: boolean
}

export function layout({ title, body, visitor, place, asked, live, hasCharts = false }: Page): string {
	return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="same-origin">
<title>${title}</title>
<link rel="icon" href="/web/cairn.svg" type="image/svg+xml">
${hasCharts ? html`<link rel="stylesheet" href="/web/uplot.css">` : NOTHING}<link rel="stylesheet" href="/web/page.css">
${hasCharts ? html`<script src="/web/uplot.js" defer></script><script src="/web/charts.js" defer></script>` : NOTHING}<script src="/web/page.js" defer></script>
</head>
<body${live ? html` data-live-from="${live.from}" data-live-since="${live.since}"` : NOTHING}>
<a class="skip" href="#main">To the content</a>
${MARKS}
<header class="top">
<a class="home" href="/">${LOGO}<span>Cairn</span></a>
${visitor ? navigation(visitor, place, asked) : NOTHING}
</header>
<main id="main" tabindex="-1">
${body}
</main>
${live ? html`<footer class="tail"><p id="live" data-state="off">This page was made when you opened it; reload it to see what changed.</p></footer>` : NOTHING}
</body>
</html>
`.text
}

function navigation({ name, canLeave }: NonNullable<Page['visitor']>, place: Page['place'], asked = ''): Html {
	const here = (which: Page['place']) => (place === which ? html` aria-current="page"` : NOTHING)
	return html`<nav aria-label="Pages"><a href="/"${here('overview')}>Overview</a><a href="/tree/"${here('files')}>Files</a></nav>
<form class="search" action="/search" role="search"><label class="unseen" for="q">Search by name</label><input id="q" name="q" type="search" placeholder="Search by name" value="${asked}" maxlength="255"></form>
${canLeave ? html`<form class="leave" method="post" action="/logout"><button type="submit" title="Logged in with the token ${name}">Log out</button></form>` : NOTHING}`
}

/** Three stones. */
const LOGO = html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><ellipse cx="16" cy="25" rx="13" ry="5"/><ellipse cx="15.5" cy="15.5" rx="9" ry="4.2"/><ellipse cx="16.5" cy="7.5" rx="5.2" ry="3.3"/></svg>`

/** The signs beside colours: a check, an hourglass of sorts, an exclamation mark. */
const MARKS = html`<svg class="marks" width="0" height="0" aria-hidden="true"><symbol id="good" viewBox="0 0 16 16"><path d="M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0Zm4.2 5.7-5 6a1 1 0 0 1-1.5.1L3.3 9.4a1 1 0 0 1 1.4-1.4l1.6 1.6 4.3-5.2a1 1 0 0 1 1.6 1.3Z"/></symbol><symbol id="busy" viewBox="0 0 16 16"><path d="M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0Zm1 3.5v4.1l2.6 2.6a1 1 0 0 1-1.4 1.4L7.3 8.7A1 1 0 0 1 7 8V3.5a1 1 0 0 1 2 0Z"/></symbol><symbol id="bad" viewBox="0 0 16 16"><path d="M9.3.8a1.5 1.5 0 0 0-2.6 0L.2 12.7A1.5 1.5 0 0 0 1.5 15h13a1.5 1.5 0 0 0 1.3-2.3L9.3.8ZM7 5.5a1 1 0 0 1 2 0v3.5a1 1 0 0 1-2 0V5.5Zm1 7.7a1.1 1.1 0 1 1 0-2.2 1.1 1.1 0 0 1 0 2.2Z"/></symbol></svg>`
