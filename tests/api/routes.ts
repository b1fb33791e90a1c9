/** The routes the router itself has: a list kept by hand would miss the one that was forgotten. */
import type { TestDoor } from './door.ts'

export interface Route {
	method: string
	/** A path that the route takes: its parameters have some value. */
	path: string
}

export function routesOf({ routes }: Pick<TestDoor, 'routes'>): Route[] {
	return routes().map(({ method, url }) => ({ method, path: url.replace(/:[^/]+/g, '1').replace(/\*$/, 'x') }))
}
