/**
 * A configuration is a TypeScript module that may lie anywhere: `cairn/config` must mean this program's definition there,
 * and the file must be read as a module whatever package.json happens to stand above it.
 */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const DEFINITION = 'cairn/config'
const definitionUrl = new URL('./define.ts', import.meta.url).href

/** The hooks are for this one import: the rest of the program resolves as it always does. */
export async function importConfig(path: string, revision: string): Promise<unknown> {
	const url = pathToFileURL(path)
	// A module is read once per URL; a changed file needs another.
	url.searchParams.set('revision', revision)
	const hooks = registerHooks({
		resolve: (specifier, context, next) => (specifier === DEFINITION ? { url: definitionUrl, shortCircuit: true } : next(specifier, context)),
		load: (loaded, context, next) => next(loaded, loaded === url.href ? { ...context, format: 'module-typescript' } : context),
	})
	try {
		const module = (await import(url.href)) as { default?: unknown }
		return module.default
	} finally {
		hooks.deregister()
	}
}

/** Node says in the stack alone which line it is about, after the address of above. */
export function lineOf(error: unknown): string | undefined {
	return /\?revision=[^:]*:(\d+)/.exec(String((error as Error | undefined)?.stack))?.[1]
}
