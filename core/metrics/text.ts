/** The Prometheus text format, version 0.0.4. */
import type { Family, Labels } from './family.ts'

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function toText(families: readonly Family[]): string {
	return families.flatMap(lines).join('')
}

function lines({ name, type, help, samples }: Family): string[] {
	return [
		`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`,
		`# TYPE ${name} ${type}\n`,
		...samples.map(({ suffix, labels, value }) => `${name}${suffix}${labelText(labels)} ${numberText(value)}\n`),
	]
}

function labelText(labels: Labels): string {
	const parts = Object.entries(labels).map(([key, value]) => `${key}="${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')}"`)
	return parts.length === 0 ? '' : `{${parts.join(',')}}`
}

function numberText(value: number): string {
	if (Number.isFinite(value)) return String(value)
	return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
