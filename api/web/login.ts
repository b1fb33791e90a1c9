/** Where a token is asked for. */
import { html, type Html, NOTHING } from './html.ts'

export interface Login {
	/** What was wrong with the last one. */
	wrong?: string
	/** Where to go on: an address of this server. */
	next: string
	/** There is something to see without a token. */
	hasSummary: boolean
}

export function loginBody({ wrong, next, hasSummary }: Login): Html {
	return html`<form class="login" method="post" action="/login">
<h1>Cairn</h1>
<p>Log in with a token; <code>cairn token add</code> makes one.</p>
${wrong ? html`<p class="wrong" id="wrong" role="alert">${wrong}</p>` : NOTHING}
<input type="hidden" name="next" value="${next}">
<input class="unseen" name="user" autocomplete="username" value="cairn" tabindex="-1" aria-hidden="true">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" spellcheck="false" required autofocus${wrong ? html` aria-invalid="true" aria-describedby="wrong"` : NOTHING}>
<button type="submit">Log in</button>
${hasSummary ? html`<p class="quiet"><a href="/summary">What everybody may see</a></p>` : NOTHING}
</form>`
}
