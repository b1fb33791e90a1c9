import { mounted } from './mounted.ts'
import { runCases } from './run-cases.ts'

runCases('POSIX: sqlite, carried', () => mounted({ catalogue: 'sqlite', io: 'carried' }))
