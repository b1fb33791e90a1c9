/** The configuration `cairn up` writes for its user to change. */
export interface Plan {
	/** '' for the file beside the configuration. */
	catalogue: string
	nodes: number
	/** Said on the command line; a directory that is there gets no nodes that nobody asks for. */
	nodesAsked: number | undefined
	copies: number
	allowOther: boolean
	/** Where it is served over HTTP. */
	listen: string
}

export function configText({ catalogue, copies, allowOther, listen }: Plan): string {
	return `/**
 * Written by \`cairn up\`, once: change what you like. config.example.ts beside the program has every option.
 * Relative paths are relative to this file.
 */
import { defineConfig } from 'cairn/config'

export default defineConfig({
	// Who knows the tree: a file, or mysql://user@host:3306/database
	catalogue: ${quote(catalogue || 'catalogue.db')},

	// How many nodes hold each file; copies are made by themselves. After a change: cairn class apply --config <this file>
	classes: [{ name: 'default', pattern: '', copies: ${copies} }],

	mount: {
		path: 'combined',
		// Others than the one who mounts may enter; permissions are always checked.
		allowOther: ${allowOther},
	},

	api: {
		// Over HTTP, on this machine only. Who may come in: cairn token add|list|revoke --config <this file>
		listen: [{ at: ${quote(listen)} }],
	},
})
`
}

function quote(text: string): string {
	return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
