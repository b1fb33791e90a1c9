/** Numbers of bytes as people write and read them: 1024 to the next letter. */
import { UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'

const LETTERS = ['', 'K', 'M', 'G', 'T', 'P']

/** `option`: what it was said with. */
export function parseSize(text: string, option: string): number {
	const [, number, letter = ''] = /^(\d+(?:\.\d+)?)([KMGTP]?)(?:i?B)?$/i.exec(text) ?? []
	const bytes = Math.round(Number(number) * 1024 ** LETTERS.indexOf(letter.toUpperCase()))
	// More than this no catalogue keeps.
	if (!Number.isSafeInteger(bytes)) throw new UserError(`${option}: found '${text}', allowed: a number of bytes, or one with K, M, G, T or P, below 8P`, EXIT.usage)
	return bytes
}

export function showSize(bytes: number): string {
	let value = bytes
	let step = 0
	while (value >= 1024 && step < LETTERS.length - 1) {
		value /= 1024
		step++
	}
	return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)}${LETTERS[step]}`
}
