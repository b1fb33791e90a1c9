/** Runs in hands: somebody who is not root opens a file in order to empty it. */
import fs from 'node:fs'
import { asUser } from '../support/calls.ts'

const STRANGER = { uid: 1002, gid: 1002 }

export function emptyAsStranger(path: string): void {
	asUser(STRANGER, () => fs.closeSync(fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_TRUNC)))
}
