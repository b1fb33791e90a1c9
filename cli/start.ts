/**
 * Where the launcher begins. Node's own way from a relative name to a file asks the disk and every package.json above it, for each of two
 * hundred modules: a fifth of what a short verb takes. Ours say whole file names, so there is nothing to look for.
 */
import { registerHooks } from 'node:module'

registerHooks({
	resolve(specifier, context, next) {
		const isOurs = specifier.startsWith('.') && specifier.endsWith('.ts') && context.parentURL !== undefined
		if (!isOurs) return next(specifier, context)
		return { url: new URL(specifier, context.parentURL).href, format: 'module-typescript', shortCircuit: true }
	},
})

await import('./main.ts')
