/** CRC-32C (Castagnoli), which SeaweedFS has as the ETag of an object. Eight bytes at a time, with a table for each. */
const POLYNOMIAL = 0x82f6_3b78
const TABLES = makeTables()

/** `crc` is that of what came before; 0 at the start. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
	const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES
	let value = ~crc
	let at = 0
	for (const last = bytes.length - 8; at <= last; at += 8) {
		value ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
		value =
			t7[value & 0xff] ^ t6[(value >>> 8) & 0xff] ^ t5[(value >>> 16) & 0xff] ^ t4[value >>> 24] ^
			t3[bytes[at + 4]] ^ t2[bytes[at + 5]] ^ t1[bytes[at + 6]] ^ t0[bytes[at + 7]]
	}
	for (; at < bytes.length; at++) value = t0[(value ^ bytes[at]) & 0xff] ^ (value >>> 8)
	return ~value >>> 0
}

export function formatCrc(crc: number): string {
	return crc.toString(16).padStart(8, '0')
}

function makeTables(): Int32Array[] {
	const tables = Array.from({ length: 8 }, () => new Int32Array(256))
	for (let byte = 0; byte < 256; byte++) {
		let value = byte
		for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
		tables[0][byte] = value
	}
	for (let step = 1; step < 8; step++) {
		for (let byte = 0; byte < 256; byte++) {
			const before = tables[step - 1][byte]
			tables[step][byte] = (before >>> 8) ^ tables[0][before & 0xff]
		}
	}
	return tables
}
