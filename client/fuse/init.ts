/** INIT: what kernel and daemon will do for each other. */
import type { Handler } from './session.ts'
import { INIT_FLAG, INIT_FLAG2, PAGES_MAX, WRITE_BYTES_MAX } from './protocol.ts'
import { u32 } from './request.ts'

const MAJOR = 7
const MINOR = 40
/** Before 7.23 the reply is shorter; no kernel that old runs a Node of today. */
const MINOR_MIN = 31
const INIT_OUT_BYTES = 64
const STACK_DEPTH_MAX = 1

const WANTED =
	INIT_FLAG.ASYNC_READ | INIT_FLAG.ATOMIC_O_TRUNC | INIT_FLAG.EXPORT_SUPPORT | INIT_FLAG.BIG_WRITES | INIT_FLAG.DO_READDIRPLUS | INIT_FLAG.READDIRPLUS_AUTO |
	INIT_FLAG.PARALLEL_DIROPS | INIT_FLAG.MAX_PAGES | INIT_FLAG.NO_OPENDIR_SUPPORT | INIT_FLAG.HANDLE_KILLPRIV_V2 | INIT_FLAG.INIT_EXT

export interface Agreed {
	passthrough: boolean
	/** Directories are read without being opened. */
	withoutOpendir: boolean
}

/** `agree` learns what the kernel can do; `wantPassthrough` is what the mount asks for. */
export function initHandler(wantPassthrough: boolean, agree: (agreed: Agreed) => void): Handler {
	return function* (request) {
		const minor = Math.min(MINOR, u32(request, 4))
		const readAheadBytes = u32(request, 8)
		const offered = u32(request, 12)
		const offered2 = offered & INIT_FLAG.INIT_EXT ? u32(request, 16) : 0
		const passthrough = wantPassthrough && (offered2 & INIT_FLAG2.PASSTHROUGH) !== 0
		if (minor < MINOR_MIN) throw Object.assign(new Error('the kernel speaks a FUSE protocol that is too old'), { code: 'EPROTO' })
		agree({ passthrough, withoutOpendir: (offered & INIT_FLAG.NO_OPENDIR_SUPPORT) !== 0 })
		return ({ bytes, view, at }) => {
			bytes.fill(0, at, at + INIT_OUT_BYTES)
			view.setUint32(at, MAJOR, true)
			view.setUint32(at + 4, minor, true)
			view.setUint32(at + 8, readAheadBytes, true)
			view.setUint32(at + 12, (offered & WANTED) >>> 0, true)
			view.setUint16(at + 16, 64, true)
			view.setUint16(at + 18, 48, true)
			view.setUint32(at + 20, WRITE_BYTES_MAX, true)
			view.setUint32(at + 24, 1, true)
			view.setUint16(at + 28, PAGES_MAX, true)
			view.setUint32(at + 32, passthrough ? INIT_FLAG2.PASSTHROUGH : 0, true)
			view.setUint32(at + 36, passthrough ? STACK_DEPTH_MAX : 0, true)
			return INIT_OUT_BYTES
		}
	}
}
