import { mounted } from '../posix/mounted.ts'
import { runCases } from '../posix/run-cases.ts'
import { FUSE_NATIVE, reportUnavailable, unavailable } from './available.ts'

if (unavailable === undefined) runCases('POSIX, the basic cases: fuse-native', () => mounted({ words: FUSE_NATIVE }), 'basic')
else reportUnavailable('POSIX, the basic cases: fuse-native')
