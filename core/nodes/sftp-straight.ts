/**
 * What a host sends of a file goes from its packets to where it is wanted. The library first puts a whole answer together, of a quarter of a megabyte, and
 * copies it then. It has no place for that either: all other answers are still its own, and should it be made otherwise one day, these are too.
 */
import type { SFTPWrapper } from 'ssh2'

interface Asked {
	cb?: (error: undefined, buffer: Buffer, bytes: number) => void
	/** As much of the memory as was asked for. */
	buffer?: Buffer
}

interface Insides {
	/** Given what came on the channel, however it is cut. */
	push(data: Buffer | null): void
	_requests?: Record<number, Asked | undefined>
	/** Of the packet it is in: how many of the four bytes of its length it has, the length, and how many bytes after those. */
	_pktLenBytes?: number
	_pktLen?: number
	_pktPos?: number
}

interface Answer {
	id: number
	asked: Asked
	buffer: Buffer
	bytes: number
	/** How many of them are there. */
	done: number
}

const LENGTH_BYTES = 4
const DATA = 103
/** Length of the packet, kind, number of the request, length of what it asked for. */
const TYPE_AT = 4
const ID_AT = 5
const BYTES_AT = 9
const HEAD_BYTES = 13

export function takeStraight(sftp: SFTPWrapper): void {
	const insides = sftp as unknown as Insides
	const requests = insides._requests
	if (!requests || insides._pktLenBytes === undefined) return
	const library = insides.push.bind(insides)
	let answer: Answer | undefined

	/** One that begins here and is to go straight. */
	function answerAt(data: Buffer, at: number): Answer | undefined {
		if (insides._pktLenBytes !== 0 || data.length < at + HEAD_BYTES || data[at + TYPE_AT] !== DATA) return undefined
		const id = data.readUInt32BE(at + ID_AT)
		const bytes = data.readUInt32BE(at + BYTES_AT)
		const asked = requests?.[id]
		const isWhole = LENGTH_BYTES + data.readUInt32BE(at) === HEAD_BYTES + bytes
		if (!asked?.cb || !asked.buffer || !isWhole || bytes === 0 || bytes > asked.buffer.length) return undefined
		return { id, asked, buffer: asked.buffer, bytes, done: 0 }
	}

	function take(from: Answer, data: Buffer, at: number): number {
		const { id, asked, buffer, bytes } = from
		const end = Math.min(data.length, at + bytes - from.done)
		buffer.set(new Uint8Array(data.buffer, data.byteOffset + at, end - at), from.done)
		from.done += end - at
		if (from.done < bytes) return end
		answer = undefined
		delete requests?.[id]
		asked.cb?.(undefined, buffer, bytes)
		return end
	}

	/** The library gets what it is in, or the next packet, and nothing of what comes after it. */
	function give(data: Buffer, at: number): number {
		const { _pktLenBytes: lengthBytes = 0, _pktLen: length = 0, _pktPos: done = 0 } = insides
		const isBetween = lengthBytes === 0 && data.length >= at + LENGTH_BYTES
		const left = isBetween ? LENGTH_BYTES + data.readUInt32BE(at) : lengthBytes < LENGTH_BYTES ? LENGTH_BYTES - lengthBytes : length - done
		const end = Math.min(data.length, at + left)
		library(data.subarray(at, end))
		return end
	}

	insides.push = (data) => {
		if (!data) library(data)
		for (let at = 0; data && at < data.length; ) {
			const next = answer ?? answerAt(data, at)
			if (next && !answer) at += HEAD_BYTES
			answer = next
			at = answer ? take(answer, data, at) : give(data, at)
		}
	}
}
