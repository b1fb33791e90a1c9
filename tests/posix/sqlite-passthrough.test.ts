import { mounted } from './mounted.ts'
import { runCases } from './run-cases.ts'

runCases('POSIX: sqlite, passthrough', () => mounted({ catalogue: 'sqlite', io: 'passthrough' }))
