/** What could not be shown, and why. */
import { html, type Html } from './html.ts'

const TITLES: Record<number, string> = {
	403: 'Not with this token',
	404: 'There is nothing here',
	429: 'Too often',
	503: 'Not now',
	504: 'Not now',
}

export function failureTitle(status: number): string {
	return TITLES[status] ?? 'That did not work'
}

export function failureBody(status: number, message: string): Html {
	return html`<h1 class="of-file">${failureTitle(status)}</h1><p class="stands">${message}</p><p><a href="/">To the overview</a></p>`
}
